package selection

// Dialect is how a database writes what others write differently. In its texts %s is
// an expression and ? the value of a query.
type Dialect struct {
	Placeholder func(n int) string // of the nth value, from 1
	Schema      string             // what stands before the name of a table

	Integer  string // a whole number: a plain ? may get the type of a small column
	Text     string // the text of a JSON column
	Contains string // a text is in %s, ignoring ASCII case
	Occurs   string // a text is in %s
	Begins   string // %s begins with a text
	Decimals string // in the text %s a digit stands before a point or an exponent
	OneOf    string // %s is one of a list of ids
	Led      string // the job j has the id %s: found by it, never the other way round
	Tags     string // a row source with the tags of the job j as e.value

	// After is a condition that the finished job f ran for at least ? microseconds, and
	// Within for at most.
	After, Within string

	List     func([]int64) any      // a value for OneOf
	Time     func(micros int64) any // a time since 1970
	Storable func(text string) bool // whether the database can hold a text, or even look for it

	redacted []string // types in whose arguments no text is looked for: of one filter
}
