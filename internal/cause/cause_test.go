package cause

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"
)

func TestTitle(t *testing.T) {
	for message, want := range map[string]string{
		"":                              "",
		"connection refused":            "connection refused",
		"order 48213 not found":         "order … not found",
		"order #48213 not found":        "order #… not found",
		"user42 has no mail":            "user… has no mail",
		"took 1.5s, at most 200ms":      "took …, at most …",
		"took 1m30s":                    "took …",
		"at 97% of 3,000 rows":          "at … of … rows",
		"balance -3.20 EUR":             "balance … EUR",
		"rows 1, 2, 3 and 4 are locked": "rows … and … are locked",
		"dial tcp 127.0.0.1:5432: connect: connection refused": "dial tcp …: connect: connection refused",
		"dial tcp [::1]:5432: connect: connection refused":     "dial tcp …: connect: connection refused",
		"dial tcp db-7.internal:5432: i/o timeout":             "dial tcp …: i/o timeout",
		"mail to ada@example.com was refused":                  "mail to … was refused",
		`Get "https://api.example.com/v1/users/42": EOF`:       `Get "…": EOF`,
		"fetch https://api.example.com/v1/users/42: EOF":       "fetch …: EOF",
		"open /var/lib/app/42.csv: no such file or directory":  "open …: no such file or directory",
		`open C:\data\42.csv: the system cannot find the file`: `open …: the system cannot find the file`,
		"job 3fa85f64-5717-4562-b3fc-2c963f66afa6 is gone":     "job … is gone",
		"at 0xc000012345":                                               "at …",
		"commit da2105fe is not here":                                   "commit … is not here",
		"the decade has faded":                                          "the decade has faded",
		"session sk_9aB3dE5fG7hJ1k is over":                             "session … is over",
		"not before 2026-11-27T22:31:19Z":                               "not before …",
		"not before 2026-11-27 22:31:19":                                "not before …",
		"column 'name' of \"users\" is missing":                         "column '…' of \"…\" is missing",
		"it doesn't work and can't":                                     "it doesn't work and can't",
		"unexpected status 404":                                         "unexpected status 404",
		"unexpected status 503: try later":                              "unexpected status 503: try later",
		"HTTP 429 from the API":                                         "HTTP 429 from the API",
		"Error 1062 (23000): Duplicate entry 'x' for key 'users.email'": "Error 1062 (…): Duplicate entry '…' for key '…'",
		`ERROR: duplicate key value violates unique constraint "a_pkey" (SQLSTATE 23505)`: `ERROR: duplicate key value violates unique constraint "…" (SQLSTATE 23505)`,
		"runtime error: index out of range [5] with length 3":                             "runtime error: index out of range […] with length …",
		"first line\n\tsecond   line":                                                     "first line second line",
		"NUL \x00 and \xff":                                                               "NUL ? and ?",
	} {
		if got := Title(message); got != want {
			t.Errorf("Title(%q)\n got %q\nwant %q", message, got, want)
		}
	}
}

func TestTitleIsBounded(t *testing.T) {
	for _, message := range []string{
		strings.Repeat("word ", 20_000), strings.Repeat("x", 64<<10), strings.Repeat("界", 20_000),
		strings.Repeat(`"`, 64<<10), strings.Repeat("1 ", 32<<10), strings.Repeat("\x00", 64<<10), strings.Repeat("\xff", 64<<10),
	} {
		if got := Title(message); len(got) > maxTitle || !utf8.ValidString(got) || strings.Contains(got, "\x00") {
			t.Errorf("%q… has the title %q", message[:10], got)
		}
	}
}

// loud is an error with a message that panics.
type loud struct{ *net.OpError }

func (loud) Error() string { panic("no") }
func (loud) Unwrap() error { panic("no") }

// endless wraps itself.
type endless struct{}

func (e endless) Error() string { return "endless" }
func (e endless) Unwrap() error { return e }

func TestErrorTypes(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for _, test := range []struct {
		err  error
		want string
	}{
		{errors.New("x"), "error"},
		{nil, "error"},
		{fmt.Errorf("x: %w", errors.New("y")), "error"},
		{refused, "*net.OpError"},
		{fmt.Errorf("x: %w", &url.Error{Op: "Get", URL: "u", Err: refused}), "*net.OpError"},
		{errors.Join(&fs.PathError{Op: "open", Path: "p", Err: syscall.ENOENT}, refused), "*fs.PathError"},
		{loud{}, "cause.loud"},
		{endless{}, "cause.endless"},
	} {
		if got := Of(Failure{Type: "Mail", Err: test.err}); got.ErrorType != test.want {
			t.Errorf("%T is a %q, want %q", test.err, got.ErrorType, test.want)
		}
	}
}

func TestWhatHasACauseInCommon(t *testing.T) {
	of := func(jobType, message string) any { return Of(Failure{Type: jobType, Err: errors.New(message)}).ID }
	one := of("Mail", "order 1 not found")
	for _, test := range []struct {
		id   any
		same bool
	}{
		{of("Mail", "order 2222 not found"), true},
		{of("Report", "order 1 not found"), false},
		{of("Mail", "order 1 not paid"), false},
		{Of(Failure{Type: "Mail", Err: fmt.Errorf("%w", &fs.PathError{Op: "order", Path: "1", Err: errors.New("not found")})}).ID, false},
		{Of(Failure{Type: "Mail", Err: errors.New("order 1 not found"), Panic: "order 1 not found"}).ID, false},
	} {
		if (test.id == one) != test.same {
			t.Errorf("%v and %v: the same? want %v", one, test.id, test.same)
		}
	}
	if got := Of(Failure{Type: "Mail", Err: errors.New("")}); got.Title != "error" {
		t.Errorf("an error without a message has the title %q", got.Title)
	}
}

// stackOf is what is known of a panic.
func stackOf(fn func()) (value any, stack string) {
	defer func() { value, stack = recover(), string(debug.Stack()) }()
	fn()
	return nil, ""
}

func indexes() { _ = []int{}[len(os.Args)+5] }
func throws()  { panic("order 1") }

func TestPanics(t *testing.T) {
	seen := map[string]bool{}
	for kind, fn := range map[string]func(){"panic: runtime error": indexes, "panic": throws} {
		value, stack := stackOf(fn)
		c := Of(Failure{Type: "Mail", Err: fmt.Errorf("panic: %v", value), Panic: value, Stack: stack})
		if c.ErrorType != kind {
			t.Errorf("the type is %q, want %q", c.ErrorType, kind)
		}
		seen[c.ID.String()] = true
	}
	first, firstStack := stackOf(throws)
	second, secondStack := stackOf(func() { panic("order 2") })
	a := Of(Failure{Type: "Mail", Err: errors.New("panic: order 1"), Panic: first, Stack: firstStack})
	b := Of(Failure{Type: "Mail", Err: errors.New("panic: order 2"), Panic: second, Stack: secondStack})
	if a.ID == b.ID {
		t.Error("panics of two functions have one cause")
	}
}

// stack is what a panic in a handler leaves, but for what is between.
const stack = `goroutine 7 [running]:
runtime/debug.Stack()
	/usr/local/go/src/runtime/debug/stack.go:26 +0x5e
github.com/laterjobs/later/internal/engine.Protect[...].func1()
	/home/ada/go/pkg/mod/github.com/laterjobs/later@v1.2.0/internal/engine/executor.go:140 +0x4d
panic({0x7a3e40?, 0x8f1a10?})
	/usr/local/go/src/runtime/panic.go:783 +0x132
encoding/json.(*Decoder).Decode(0xc000012345, {0x1, 0x2})
	/usr/local/go/src/encoding/json/stream.go:63 +0x1c
github.com/jackc/pgx/v5.(*Conn).Query(0x1)
	/home/ada/go/pkg/mod/github.com/jackc/pgx/v5@v5.7.0/conn.go:12 +0x1
example.com/shop/mail.(*Mailer).Welcome(0xc0001, {0x9, 0x8})
	/home/ada/shop/mail/welcome.go:31 +0x2b
github.com/laterjobs/later.(*Definition[...]).Do.func1()
	/home/ada/go/pkg/mod/github.com/laterjobs/later@v1.2.0/define.go:90 +0x77
created by github.com/laterjobs/later/internal/engine.(*Engine).staff in goroutine 1
	/home/ada/go/pkg/mod/github.com/laterjobs/later@v1.2.0/internal/engine/executor.go:52 +0x9a
`

func TestFrames(t *testing.T) {
	for _, text := range []string{stack, strings.NewReplacer("/usr/local/go/src/", "", "/home/ada/go/pkg/mod/", "", "/home/ada/shop/", "example.com/shop/").Replace(stack)} {
		frames := Frames(text)
		if len(frames) != 5 || frames[0].Function != "encoding/json.(*Decoder).Decode" {
			t.Fatalf("%+v", frames)
		}
		for i, f := range frames {
			if f.Own != (i == 2) {
				t.Errorf("own %v: %+v", f.Own, f)
			}
		}
		if f := frames[2]; f.Function != "example.com/shop/mail.(*Mailer).Welcome" || !strings.HasSuffix(f.Place, "mail/welcome.go:31") {
			t.Errorf("%+v", f)
		}
	}
	for _, text := range []string{"", "main.go:1", "a\n\tb", "\n\t\n\t", strings.Repeat("f()\n\tx:1 +0x1\n", 5000)} {
		if frames := Frames(text); len(frames) > maxFrames {
			t.Errorf("%d frames", len(frames))
		}
	}
}

// TestFramesOfADump: nothing in it has panicked, and no call of Go's library says where it
// lies.
func TestFramesOfADump(t *testing.T) {
	const dump = `goroutine 7 [runnable]:
encoding/json.(*Decoder).Decode(0xc000012345, {0x1, 0x2})
	/usr/local/go/src/encoding/json/stream.go:63 +0x1c
shop/mail.(*Mailer).Welcome(0xc0001, {0x9, 0x8})
	/home/ada/src/shop/mail.go:31 +0x2b
golang.org/x/image/draw.(*Scaler).Scale(0x1)
	/home/ada/go/pkg/mod/golang.org/x/image@v0.33.0/draw/scale.go:12 +0x1
main.main.func1()
	/home/ada/src/shop/main.go:12 +0x1
created by main.main in goroutine 1
	/home/ada/src/shop/main.go:9 +0x9a

goroutine 8 [select]:
net/http.(*conn).serve(0xc0001)
	net/http/server.go:31 +0x2b
`
	var own []string
	for _, f := range Frames(dump) {
		if f.Own {
			own = append(own, f.Function)
		}
	}
	if got := strings.Join(own, " "); got != "shop/mail.(*Mailer).Welcome main.main.func1 main.main" {
		t.Errorf("its own: %s", got)
	}
}

func FuzzTitle(f *testing.F) {
	f.Add("order 1 of \"x\" at 10.0.0.1:80 in /tmp/x", 7)
	f.Add("\x00\xff'`\"\\", -1)
	f.Add(stack, 0)
	f.Fuzz(func(t *testing.T, text string, n int) {
		for _, message := range []string{text, fmt.Sprintf("order %d: %s", n, text)} {
			title := Title(message)
			if len(title) > maxTitle || !utf8.ValidString(title) || strings.Contains(title, "\x00") {
				t.Errorf("%q has the title %q", message, title)
			}
		}
		if len(text) > 1000 {
			return
		}
		one, other := Title(fmt.Sprintf("order 1 %s", text)), Title(fmt.Sprintf("order %d %s", uint32(n), text))
		if one != other {
			t.Errorf("%q and %q", one, other)
		}
		Frames(text)
		Of(Failure{Type: text, Err: errors.New(text), Panic: n, Stack: text})
	})
}
