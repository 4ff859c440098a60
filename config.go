package later

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"
)

const (
	defaultConcurrency  = 5
	defaultPollInterval = 5 * time.Second
	defaultSoftStop     = 30 * time.Second
	defaultHardStop     = 10 * time.Second
	defaultHeartbeat    = 3 * time.Second
	defaultTimeToDie    = 15 * time.Second
	defaultRetention    = 7 * 24 * time.Hour
	defaultMaxArgs      = 1 << 20

	// shortest is below what anybody means by an interval: the store would be asked
	// without a pause.
	shortest = 10 * time.Millisecond
)

func (c *Config) fillIn() {
	orDefault(&c.Concurrency, defaultConcurrency)
	orDefault(&c.PollInterval, defaultPollInterval)
	orDefault(&c.SoftStop, defaultSoftStop)
	orDefault(&c.HardStop, defaultHardStop)
	orDefault(&c.Heartbeat, defaultHeartbeat)
	orDefault(&c.TimeToDie, defaultTimeToDie)
	orDefault(&c.Retention.Completed, defaultRetention)
	orDefault(&c.Retention.Failed, defaultRetention)
	orDefault(&c.Retention.Cancelled, defaultRetention)
	orDefault(&c.MaxArgs, defaultMaxArgs)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// check returns every mistake at once.
func (c *Config) check() error {
	var problems []error
	refuse := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("%w: "+format, append([]any{ErrInvalidOption}, args...)...))
	}
	if c.Concurrency < 0 {
		refuse("Concurrency %d is negative", c.Concurrency)
	}
	if c.Queues != nil && len(c.Queues) == 0 {
		refuse("Queues is empty; leave it nil to serve every queue")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Queues)) {
		if err := checkName("queue", name); err != nil {
			refuse("Queues: %w", err)
		}
		if c.Queues[name] < 1 {
			refuse("Queues: %q has %d slots; at least 1 is needed", name, c.Queues[name])
		}
	}
	for _, field := range []struct {
		name  string
		value time.Duration
	}{
		{"PollInterval", c.PollInterval}, {"StartDelay", c.StartDelay}, {"SoftStop", c.SoftStop},
		{"HardStop", c.HardStop}, {"Heartbeat", c.Heartbeat}, {"TimeToDie", c.TimeToDie},
	} {
		if field.value < 0 {
			refuse("%s %v is negative", field.name, field.value)
		}
	}
	if c.PollInterval > 0 && c.PollInterval < shortest {
		refuse("PollInterval %v is below %v: does it lack its unit, such as time.Second?", c.PollInterval, shortest)
	}
	if c.Heartbeat > 0 && c.Heartbeat < shortest {
		refuse("Heartbeat %v is below %v: does it lack its unit, such as time.Second?", c.Heartbeat, shortest)
	}
	filled := *c
	filled.fillIn()
	if filled.Heartbeat > filled.TimeToDie/3 {
		refuse("Heartbeat %v is above a third of TimeToDie %v: one lost beat could look like a death",
			filled.Heartbeat, filled.TimeToDie)
	}
	if c.MaxArgs < 0 {
		refuse("MaxArgs %d is negative", c.MaxArgs)
	}
	return errors.Join(problems...)
}
