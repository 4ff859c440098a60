package email

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

// server is a real SMTP server that keeps what it gets. It answers the first mail
// to busy@ with 451 and every mail to refused@ with 550.
type server struct {
	mu    sync.Mutex
	mails []string
	busy  int
}

func (s *server) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{server: s}, nil }

type session struct{ server *server }

func (s *session) Mail(string, *smtp.MailOptions) error { return nil }
func (s *session) Reset()                               {}
func (s *session) Logout() error                        { return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	switch {
	case strings.HasPrefix(to, "refused@"):
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
	case strings.HasPrefix(to, "busy@") && s.server.busy == 0:
		s.server.busy++
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "come back later"}
	}
	return nil
}

func (s *session) Data(r io.Reader) error {
	body, err := io.ReadAll(r)
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.mails = append(s.server.mails, string(body))
	return err
}

// working starts the server and a JobQueue that sends through it.
func working(t *testing.T) (*server, *later.JobQueue) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{}
	smtpServer := smtp.NewServer(s)
	smtpServer.Domain = "localhost"
	go smtpServer.Serve(listener) // ends with an error when it is closed
	t.Cleanup(func() { smtpServer.Close() })

	store, err := sqlite.Open(t.TempDir() + "/jobs.db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	queue := later.New(store, later.Config{})
	queue.Register(Mailer{Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, From: "app@example.com"}.Handlers()...)
	if err := queue.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { queue.Stop(t.Context()) })
	return s, queue
}

func finished(t *testing.T, queue *later.JobQueue, job later.Job, err error) later.Job {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	job, err = queue.Wait(t.Context(), job.ID)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func TestWelcomeMailArrives(t *testing.T) {
	s, queue := working(t)
	job, err := Welcome.PerformLater(t.Context(), queue, WelcomeArgs{Name: "Ada", Email: "ada@example.com"})
	job = finished(t, queue, job, err)
	if job.Status != later.StatusCompleted {
		t.Fatalf("job is %s: %s", job.Status, job.Error)
	}
	if len(s.mails) != 1 || !strings.Contains(s.mails[0], "Subject: Welcome, Ada") || !strings.Contains(s.mails[0], "Hello Ada,") {
		t.Errorf("mails: %q", s.mails)
	}
}

func TestTemporaryFailureIsRetried(t *testing.T) {
	s, queue := working(t)
	job, err := Email.PerformLater(t.Context(), queue, Args{To: "busy@example.com", Subject: "s", Body: "b"})
	job = finished(t, queue, job, err)
	if job.Status != later.StatusCompleted || job.Attempt != 2 || len(s.mails) != 1 {
		t.Errorf("job is %s after %d attempts, %d mails: %s", job.Status, job.Attempt, len(s.mails), job.Error)
	}
}

func TestPermanentFailureFailsAtOnce(t *testing.T) {
	s, queue := working(t)
	job, err := Email.PerformLater(t.Context(), queue, Args{To: "refused@example.com", Subject: "s", Body: "b"})
	job = finished(t, queue, job, err)
	if job.Status != later.StatusFailed || job.Attempt != 1 || !strings.Contains(job.Error, "no such mailbox") || len(s.mails) != 0 {
		t.Errorf("job is %s after %d attempts: %s", job.Status, job.Attempt, job.Error)
	}
}
