package pgtest

import (
	"errors"
	"os"
	"os/user"
	"strconv"
)

// account is who runs the servers: PostgreSQL and pgbouncer refuse to run as root.
type account struct{ uid, gid int }

// serverAccount returns nil where the servers run as whoever runs the tests.
func serverAccount() (*account, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if found, err := user.Lookup(name); err == nil {
			return newAccount(found)
		}
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as")
}

func newAccount(u *user.User) (*account, error) {
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(u.Gid)
	return &account{uid: uid, gid: gid}, err
}
