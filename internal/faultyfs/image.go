package faultyfs

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// Image is what a directory holds after a power cut: contents by name.
type Image map[string][]byte

// Cut is a power cut after the first At requests of a recording.
type Cut struct {
	At   int
	Name string       // what is lost, for people
	Lost map[int]bool // requests that have left no trace, of those that were not synced
	Torn map[int]Part // of writes that were not synced: what is there of them
}

func (c Cut) String() string { return fmt.Sprintf("after request %d, %s", c.At, c.Name) }

// Part is a range of the bytes of a write.
type Part struct{ From, To int }

// Unsynced lists the requests among the first at of a recording that a power cut may
// undo.
func Unsynced(ops []Op, at int) []int {
	pending := map[string][]int{} // by file; "" for the directory
	doomed := map[string][]int{}  // by file: no later sync will write them
	for i, op := range ops[:at] {
		switch op.Kind {
		case Write, Truncate:
			pending[op.File] = append(pending[op.File], i)
		case Create:
			pending[""] = append(pending[""], i)
		case Delete:
			pending[""] = append(pending[""], i)
			if op.Directory {
				pending[""] = nil
			}
		case Sync:
			if op.Failed {
				doomed[op.File] = append(doomed[op.File], pending[op.File]...)
			}
			pending[op.File] = nil
			if op.Directory {
				pending[""] = nil
			}
		case Rewrite:
			pending[op.File], doomed[op.File] = nil, nil
		}
	}
	var all []int
	for _, lists := range []map[string][]int{pending, doomed} {
		for _, list := range lists {
			all = append(all, list...)
		}
	}
	slices.Sort(all)
	return all
}

// inode is a file on the disk, whatever names it has.
type inode struct{ content []byte }

// Build is what the power cut leaves of a recording that began in an empty directory.
func (c Cut) Build(ops []Op) Image {
	live, durable := map[string]*inode{}, map[string]*inode{}
	for i, op := range ops[:c.At] {
		switch op.Kind {
		case Create:
			live[op.File] = &inode{}
			if !c.Lost[i] {
				durable[op.File] = live[op.File]
			}
		case Delete:
			delete(live, op.File)
			if !c.Lost[i] {
				delete(durable, op.File)
			}
		case Write, Truncate:
			if !c.Lost[i] {
				c.apply(live[op.File], i, op)
			}
		case Rewrite:
			live[op.File].content = slices.Clone(op.Data)
		}
	}
	image := Image{}
	for name, node := range durable {
		image[name] = node.content
	}
	return image
}

func (c Cut) apply(node *inode, i int, op Op) {
	if op.Kind == Truncate {
		node.resize(int(op.Size))
		return
	}
	part, torn := c.Torn[i]
	if !torn {
		part = Part{0, len(op.Data)}
	}
	from, to := int(op.Offset)+part.From, int(op.Offset)+part.To
	if to > len(node.content) {
		node.resize(to)
	}
	copy(node.content[from:to], op.Data[part.From:part.To])
}

func (n *inode) resize(size int) {
	if size <= len(n.content) {
		clear(n.content[size:])
		n.content = n.content[:size]
		return
	}
	n.content = append(n.content, make([]byte, size-len(n.content))...)
}

// WriteTo makes the files of the image in a directory.
func (image Image) WriteTo(dir string) error {
	for name, content := range image {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// Cuts are the power cuts worth trying after the first at requests: with none and
// with all of what is not synced, with each prefix of it and with each single
// omission, with torn writes, and with random subsets. Of a long list a random
// choice is taken, at most each of a kind.
func Cuts(ops []Op, at, each int, random *rand.Rand) []Cut {
	unsynced := Unsynced(ops, at)
	cuts := []Cut{{At: at, Name: "nothing lost"}}
	if len(unsynced) == 0 {
		return cuts
	}
	cuts = append(cuts, Cut{At: at, Name: "all that was not synced lost", Lost: set(unsynced)})
	for _, n := range choose(len(unsynced)-1, each, random) {
		cuts = append(cuts, Cut{At: at, Name: fmt.Sprintf("lost from request %d on", unsynced[n+1]), Lost: set(unsynced[n+1:])})
	}
	for _, n := range choose(len(unsynced), each, random) {
		cuts = append(cuts, Cut{At: at, Name: fmt.Sprintf("request %d lost", unsynced[n]), Lost: set(unsynced[n : n+1])})
	}
	cuts = append(cuts, tear(ops, at, unsynced, each, random)...)
	for range each {
		lost := slices.DeleteFunc(slices.Clone(unsynced), func(int) bool { return random.IntN(2) == 0 })
		cuts = append(cuts, Cut{At: at, Name: fmt.Sprintf("requests %v lost", lost), Lost: set(lost)})
	}
	return cuts
}

// tear cuts writes at the borders of sectors and pages of the disk: the first or the
// last part is there, with what came after it lost or not.
func tear(ops []Op, at int, unsynced []int, each int, random *rand.Rand) (cuts []Cut) {
	for _, n := range choose(len(unsynced), each, random) {
		op := ops[unsynced[n]]
		if op.Kind != Write || len(op.Data) < 2 {
			continue
		}
		for _, unit := range []int{512, 4096} {
			// Borders are counted from the beginning of the file.
			border := unit - int(op.Offset)%unit
			if more := (len(op.Data) - border) / unit; more > 0 {
				border += unit * random.IntN(more+1)
			}
			if border >= len(op.Data) {
				continue
			}
			part := Part{0, border}
			if random.IntN(2) == 0 {
				part = Part{border, len(op.Data)}
			}
			var lost map[int]bool
			if random.IntN(2) == 0 {
				lost = set(unsynced[n+1:])
			}
			cuts = append(cuts, Cut{
				At: at, Lost: lost, Torn: map[int]Part{unsynced[n]: part},
				Name: fmt.Sprintf("bytes %d to %d there of request %d, %d later ones lost", part.From, part.To, unsynced[n], len(lost)),
			})
		}
	}
	return cuts
}

// choose returns numbers below n: all of them, or at most that many.
func choose(n, most int, random *rand.Rand) []int {
	if n <= 0 {
		return nil
	}
	list := random.Perm(n)
	return list[:min(n, most)]
}

func set(list []int) map[int]bool {
	return maps.Collect(func(yield func(int, bool) bool) {
		for _, i := range list {
			if !yield(i, true) {
				return
			}
		}
	})
}
