package sqlfile

import "golang.org/x/sys/unix"

// The file systems on which locks of several hosts cannot be trusted, by the
// numbers of statfs(2).
var network = map[int64]string{
	unix.NFS_SUPER_MAGIC:  "NFS",
	unix.SMB_SUPER_MAGIC:  "SMB",
	unix.SMB2_SUPER_MAGIC: "SMB",
	0xff534d42:            "CIFS",
	unix.AFS_SUPER_MAGIC:  "AFS",
	unix.CODA_SUPER_MAGIC: "Coda",
	unix.V9FS_MAGIC:       "9P",
	0x00c36400:            "Ceph",
	0x0bd00bd0:            "Lustre",
}

// Network names the network file system that a path is on; empty if it is on
// none that is known.
func Network(path string) string {
	var stat unix.Statfs_t
	if err := unix.Statfs(path, &stat); err != nil {
		return ""
	}
	return network[int64(uint32(stat.Type))]
}
