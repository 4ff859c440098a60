package sqlfile

import "syscall"

// Free is how many bytes of the disk that a path is on are free for this program, and
// how many there are; 0: not known.
func Free(path string) (free, all uint64) {
	var stat syscall.Statfs_t
	if syscall.Statfs(path, &stat) != nil {
		return 0, 0
	}
	return stat.Bavail * uint64(stat.Bsize), stat.Blocks * uint64(stat.Bsize)
}
