package dashboard

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
)

// Permission is one thing that a person may do; several are combined with |.
type Permission uint32

// The permissions.
const (
	View       Permission = 1 << iota // read every page but arguments, results and logs
	ViewArgs                          // read arguments, results, metadata and logs
	Enqueue                           // store jobs
	Retry                             // retry jobs, and run them now
	Cancel                            // cancel jobs
	Reschedule                        // give jobs another time
	Delete                            // delete jobs with their history
	Pause                             // pause and resume queues and schedules
	Bulk                              // change all jobs that match a query, beside those that are ticked
	Audit                             // read who has changed what
)

// The sets that most people want.
const (
	ReadOnly = View | ViewArgs
	Operator = ReadOnly | Retry | Cancel | Reschedule | Pause | Bulk | Audit
	Admin    = Operator | Enqueue | Delete
)

var permissionNames = map[Permission]string{
	View: "view", ViewArgs: "view arguments", Enqueue: "enqueue", Retry: "retry", Cancel: "cancel",
	Reschedule: "reschedule", Delete: "delete", Pause: "pause", Bulk: "bulk", Audit: "audit",
}

// User is who asks, and what they may do. The name is shown to others beside what
// they did.
type User struct {
	Name string
	May  Permission
}

// Can reports whether the user may do all of p.
func (u User) Can(p Permission) bool { return u.May&p == p }

// Access decides who asks. An error refuses the request: one that matches ErrSignIn
// asks the browser for a name and a password, every other answers 403 with its text.
type Access func(*http.Request) (User, error)

// ErrSignIn asks for a name and a password.
var ErrSignIn = errors.New("sign in")

// Guarded lets everybody in who gets as far as the handler, with what may says: for
// a handler behind a middleware of your own that has checked who asks. The name of
// the user is what name returns; nil: unnamed.
func Guarded(may Permission, name func(*http.Request) string) Access {
	return func(r *http.Request) (User, error) {
		user := User{May: may}
		if name != nil {
			user.Name = name(r)
		}
		return user, nil
	}
}

// BasicAuth asks for one name and one password. Use it behind TLS only.
func BasicAuth(name, password string, may Permission) Access {
	wanted := sha256.Sum256([]byte(name + "\x00" + password))
	return func(r *http.Request) (User, error) {
		gotName, gotPassword, _ := r.BasicAuth()
		got := sha256.Sum256([]byte(gotName + "\x00" + gotPassword))
		if password == "" || subtle.ConstantTimeCompare(wanted[:], got[:]) == 0 {
			return User{}, ErrSignIn
		}
		return User{Name: name, May: may}, nil
	}
}

// ProxyHeader trusts a proxy of your own, which has asked who it is and says so in a header
// that it sets itself, such as X-Forwarded-User. Requests from other addresses than from are
// refused, and those without exactly one name. may says what each may do.
//
//	dashboard.ProxyHeader("X-Forwarded-User", may, netip.MustParsePrefix("10.0.0.0/24"))
//
// It panics without a header, without may or without an address: everybody could set it.
func ProxyHeader(header string, may func(name string) Permission, from ...netip.Prefix) Access {
	if header == "" || may == nil || len(from) == 0 {
		panic("dashboard: ProxyHeader needs a header, what a name may do, and the addresses of the proxy")
	}
	return func(r *http.Request) (User, error) {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		trusted := func(p netip.Prefix) bool { return p.Contains(peer.Addr().Unmap()) }
		if err != nil || !slices.ContainsFunc(from, trusted) {
			return User{}, fmt.Errorf("the request comes from %s, which is no proxy that this dashboard trusts", r.RemoteAddr)
		}
		names := r.Header.Values(header)
		if len(names) != 1 || names[0] == "" {
			return User{}, fmt.Errorf("the proxy has not said who asks: %d headers %s", len(names), header)
		}
		return User{Name: names[0], May: may(names[0])}, nil
	}
}

// Loopback lets in whoever sits at the machine itself: connections from a loopback
// address that name a loopback host, so that no page of another site can reach it by
// a name of its own, and that no proxy has passed on. It is for development.
func Loopback(may Permission) Access {
	return func(r *http.Request) (User, error) {
		if err := checkLoopback(r); err != nil {
			return User{}, fmt.Errorf("this dashboard is open to its own machine only (%w): "+
				"give dashboard.Handler another Access, such as dashboard.BasicAuth or dashboard.Guarded", err)
		}
		return User{Name: "local", May: may}, nil
	}
}

func checkLoopback(r *http.Request) error {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return fmt.Errorf("the request comes from %s", r.RemoteAddr)
	}
	for _, header := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if r.Header.Get(header) != "" {
			return fmt.Errorf("a proxy has passed the request on: it has a header %s", header)
		}
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if addr, err := netip.ParseAddr(trimBrackets(host)); host == "localhost" || err == nil && addr.IsLoopback() {
		return nil
	}
	return fmt.Errorf("the request names the host %q", host)
}

func trimBrackets(host string) string {
	if len(host) > 1 && host[0] == '[' && host[len(host)-1] == ']' {
		return host[1 : len(host)-1]
	}
	return host
}
