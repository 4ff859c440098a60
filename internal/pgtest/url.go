package pgtest

import (
	"net/url"
	"testing"
)

// Address returns the host and port that the URL of a server names, as host:port.
func Address(t testing.TB, server string) string {
	t.Helper()
	return parse(t, server).Host
}

// through returns the URL with another address. Neither the proxy nor pgbouncer
// speaks TLS here.
func through(server, address string) string {
	u, err := url.Parse(server)
	if err != nil {
		panic(err) // Address, or whoever made it, has parsed it
	}
	u.Host = address
	query := u.Query()
	query.Set("sslmode", "disable")
	u.RawQuery = query.Encode()
	return u.String()
}

func parse(t testing.TB, server string) *url.URL {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	if u.Port() == "" {
		t.Fatalf("pgtest: %s is not a URL with a host and a port, which this test needs", u.Redacted())
	}
	return u
}
