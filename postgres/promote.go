package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/laterjobs/later/store"
)

// Promote makes due jobs ready, the earliest first. If none is due it only reads.
func (s *Store) Promote(ctx context.Context, limit int, now time.Time) (store.Promoted, error) {
	p := &promoting{limit: limit, now: s.orNow(now)}
	// Most of the time nothing is due: that takes one statement and no transaction.
	if err := s.work.do(ctx, &request{single: true, run: p.next}); err != nil {
		return store.Promoted{}, err // what the writer may still be filling in
	}
	if p.promoted.Next.IsZero() || isLater(p.promoted.Next, p.now) {
		return p.promoted, nil
	}
	p.first = p.promoted.Next
	r := &request{run: p.run, durable: true, told: func(n *news) { n.merge(&p.news) }}
	if err := s.work.do(ctx, r); err != nil {
		return store.Promoted{}, err // what the writer may still be filling in
	}
	return p.promoted, nil
}

// promoting is one Promote under way.
type promoting struct {
	limit    int
	now      time.Time
	from     time.Time // nothing is looked for before
	first    time.Time // when the first one is due
	promoted store.Promoted
	news     news
}

func (p *promoting) run(s *session) error {
	p.promoted, p.news = store.Promoted{}, news{}
	err := s.query("promote", func(r row) error {
		var at lane
		var jobs int
		var position int64
		err := r.Scan(&at.queue, &at.priority, &jobs, &position)
		p.promoted.Count += jobs
		p.news.lineUp(at, position)
		return err
	}, p.now, p.limit, p.first)
	if err != nil {
		return err
	}
	return p.next(s)
}

// next notes when the next job is due.
func (p *promoting) next(s *session) error {
	p.promoted.Next, p.from = time.Time{}, s.store.due.begin(p.now)
	began := time.Now()
	err := s.query("next_due", func(r row) error {
		var runAt pgtype.Timestamptz
		err := r.Scan(&runAt)
		p.promoted.Next = timeOf(runAt) // zero for infinity: never
		return err
	}, p.from)
	if err == nil {
		s.store.due.looked(p.from, p.promoted.Next, p.now, time.Since(began))
	}
	return err
}
