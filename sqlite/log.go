package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// errLogLost: the write-ahead log does not hold what was written to it.
var errLogLost = errors.New("the disk has lost a part of the write-ahead log")

// The write-ahead log is a header and frames, each with the checksum of all before
// it: sqlite.org/fileformat2.html#walformat.
const (
	logHeaderSize   = 32
	frameHeaderSize = 24
	logMagic        = 0x377f0682 // the last bit: checksums are of big-endian words
	summedOfHeader  = 24
	summedOfFrame   = 8
)

// rewriteLog writes the first frames of a write-ahead log anew, as they are, and syncs
// them.
//
// After a sync that failed the kernel may hold pages that it will never write: they
// count as written. A later sync says nothing of them, and after a power cut the log
// would end there, before all that was acknowledged since. To write them again is the
// only remedy, provided that they are still what they were: checksums tell. Nobody
// may append or begin anew meanwhile. Readers may read, since the bytes stay the same.
func rewriteLog(path string, frames int) error {
	if frames == 0 {
		return nil // the next one to be written begins the log anew
	}
	log, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := rewriteFrames(log, frames); err != nil {
		return errors.Join(fmt.Errorf("write %s anew: %w", path, err), log.Close())
	}
	return errors.Join(log.Sync(), log.Close())
}

func rewriteFrames(log *os.File, frames int) error {
	header := make([]byte, logHeaderSize)
	if err := readFull(log, header, 0); err != nil {
		return err
	}
	sum, err := checkLogHeader(header)
	if err != nil {
		return err
	}
	if _, err := log.WriteAt(header, 0); err != nil {
		return err
	}
	frame := make([]byte, frameHeaderSize+binary.BigEndian.Uint32(header[8:]))
	for n := range frames {
		offset := logHeaderSize + int64(n)*int64(len(frame))
		if err := readFull(log, frame, offset); err != nil {
			return err
		}
		sum.add(frame[:summedOfFrame])
		sum.add(frame[frameHeaderSize:])
		if string(frame[8:16]) != string(header[16:24]) || !sum.is(frame[16:]) {
			return fmt.Errorf("%w: frame %d of %d", errLogLost, n+1, frames)
		}
		if _, err := log.WriteAt(frame, offset); err != nil {
			return err
		}
	}
	return nil
}

func checkLogHeader(header []byte) (logSum, error) {
	sum := logSum{order: binary.LittleEndian}
	if magic := binary.BigEndian.Uint32(header); magic&^1 != logMagic {
		return sum, fmt.Errorf("%w: its header", errLogLost)
	} else if magic&1 == 1 {
		sum.order = binary.BigEndian
	}
	sum.add(header[:summedOfHeader])
	size := binary.BigEndian.Uint32(header[8:])
	if !sum.is(header[summedOfHeader:]) || size < 512 || size > 65536 {
		return sum, fmt.Errorf("%w: its header", errLogLost)
	}
	return sum, nil
}

// readFull takes a log that is too short for one that has lost its end.
func readFull(log *os.File, buffer []byte, offset int64) error {
	_, err := log.ReadAt(buffer, offset)
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: it ends too early", errLogLost)
	}
	return err
}

// logSum is the running checksum of a write-ahead log.
type logSum struct {
	order binary.ByteOrder
	a, b  uint32
}

func (s *logSum) add(data []byte) {
	for ; len(data) >= 8; data = data[8:] {
		s.a += s.order.Uint32(data) + s.b
		s.b += s.order.Uint32(data[4:]) + s.a
	}
}

// is compares with a stored checksum.
func (s *logSum) is(stored []byte) bool {
	return binary.BigEndian.Uint32(stored) == s.a && binary.BigEndian.Uint32(stored[4:]) == s.b
}
