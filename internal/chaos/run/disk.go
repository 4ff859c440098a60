//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/laterjobs/later/internal/chaos/history"
	"github.com/laterjobs/later/internal/faultyfs"
)

// diskErrors are what a disk can refuse. They last until the disk is well again, or for
// some requests only.
var diskErrors = []faultyfs.Fault{
	{Kind: faultyfs.Write, File: "-wal"}, {Kind: faultyfs.Write, File: "-wal", Half: true}, {Kind: faultyfs.Sync, File: "-wal"},
	{Kind: faultyfs.Write, File: ".db"}, {Kind: faultyfs.Sync, File: ".db"}, {Kind: faultyfs.Read}, {Kind: faultyfs.Truncate, File: "-wal"},
}

// diskErrorOf is the one that an event draws.
func diskErrorOf(e event) faultyfs.Fault {
	drawn := diskErrors[e.dice%uint64(len(diskErrors))]
	drawn.Nth, drawn.More = 1+int(e.dice>>8%5), faultyfs.Forever
	if e.dice>>16%3 == 0 {
		drawn.More = int(e.dice >> 24 % 10)
	}
	return drawn
}

// failDisk lets requests of one process for the file fail for a while.
func failDisk(ctx context.Context, n *nemesis, e event) error {
	s := n.anyone(e)
	free, ok := n.seize(s.id + " disk")
	if !ok {
		return nil
	}
	defer free()
	began, first := monotonic(), s.present()
	if err := n.fleet.breakDisk(s, diskErrorOf(e)); err != nil {
		return err
	}
	_ = pause(ctx, e.length)
	err := n.fleet.healDisk(s)
	victims := []string{first}
	if last := s.present(); last != first {
		victims = append(victims, last) // it has been replaced meanwhile
	}
	n.note(e, began, victims...)
	return err
}

// failEveryDisk lets requests of all processes fail at the same time.
func failEveryDisk(ctx context.Context, n *nemesis, e event) error {
	var taken []*slot
	for _, s := range n.fleet.slots {
		if free, ok := n.seize(s.id + " disk"); ok {
			defer free()
			taken = append(taken, s)
		}
	}
	began := monotonic()
	for _, s := range taken {
		if err := n.fleet.breakDisk(s, diskErrorOf(e)); err != nil {
			return err
		}
	}
	_ = pause(ctx, e.length)
	for _, s := range taken {
		if err := n.fleet.healDisk(s); err != nil {
			return err
		}
	}
	n.note(e, began)
	return nil
}

// breakDisk sets the fault of a slot's processes: see orders.followDisk.
func (f *fleet) breakDisk(s *slot, fault faultyfs.Fault) error {
	text, err := json.Marshal(fault)
	if err != nil {
		return err
	}
	return replaceFile(filepath.Join(f.Folder, s.id+".disk"), text)
}

func (f *fleet) healDisk(s *slot) error {
	return replaceFile(filepath.Join(f.Folder, s.id+".disk"), nil)
}

// replaceFile changes a file so that whoever reads it sees all or nothing of it.
func replaceFile(path string, text []byte) error {
	if err := os.WriteFile(path+".new", text, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// followDisk lets the disk beneath this process's store fail as a file says, until ctx
// ends. It has to be called before the store is opened.
func (o orders) followDisk(ctx context.Context, log *history.Writer) error {
	if err := faultyfs.Register(); err != nil {
		return fmt.Errorf("put a disk beneath SQLite that can fail: %w", err)
	}
	disk := faultyfs.WatchLong(filepath.Dir(o.Address))
	go follow(ctx, filepath.Join(o.Folder, slotOf(o.Name)+".disk"), func(text []byte) error {
		if failed := disk.Heal(); failed > 0 {
			if err := log.Write(history.Event{At: monotonic(), Kind: history.Failed, Code: int64(failed)}); err != nil {
				return err
			}
		}
		if len(text) == 0 {
			return nil
		}
		var fault faultyfs.Fault
		err := json.Unmarshal(text, &fault)
		if err == nil {
			disk.Fail(fault)
		}
		return err
	})
	return nil
}

// follow calls changed with the content of a file whenever that is another, until ctx
// ends.
func follow(ctx context.Context, path string, changed func([]byte) error) {
	seen := ""
	for pause(ctx, 50*time.Millisecond) == nil {
		text, err := os.ReadFile(path)
		if err != nil || string(text) == seen {
			continue // nobody has written it yet, or again
		}
		seen = string(text)
		if err := changed(text); err != nil {
			panic(fmt.Errorf("%s: %w", path, err))
		}
	}
}
