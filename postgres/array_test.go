package postgres

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/laterjobs/later/internal/pgtest"

	"github.com/jackc/pgx/v5"
)

// TestArraysOfTexts: what arrayText writes, the server reads as it was, whatever the
// texts hold.
func TestArraysOfTexts(t *testing.T) {
	t.Parallel()
	lists := [][]string{
		nil, {}, {"a"}, {"a", "b"}, {""}, {"", ""}, {"NULL"}, {"null", "Null"}, {`"`}, {`""`}, {`\`}, {`\\`}, {`\"`}, {`"\`}, {`\'`, `'`},
		{","}, {"a,b", "c"}, {"{"}, {"}"}, {"{}"}, {"{a,b}"}, {" "}, {" a "}, {"\t", "\n", "\r\n", "\v\f"}, {"ü", "€", "😀", "e\u0301", "\u202e"},
		{"\x01\x7f"}, {"%s", "$1", "?", ":x"}, {"[0:1]={a,b}"}, {"(a)", "\"a\"=>\"b\""},
	}
	random := rand.New(rand.NewPCG(1, 2))
	alphabet := []rune("\"\\,{} \n'ab0NUL\u00fc\U0001f600")
	for range 500 {
		list := make([]string, 1+random.IntN(4))
		for i := range list {
			for range random.IntN(6) {
				list[i] += string(alphabet[random.IntN(len(alphabet))])
			}
		}
		lists = append(lists, list)
	}
	conn, err := pgx.Connect(t.Context(), pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, list := range lists {
		var read []string
		text := arrayText(list)
		if err := conn.QueryRow(t.Context(), "SELECT nullif($1::text, '')::text[]", text).Scan(&read); err != nil || !slices.Equal(read, list) {
			t.Errorf("%q is written as %s, and read as %q, %v", list, text, read, err)
		}
	}
}
