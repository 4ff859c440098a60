package later_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// encrypted is a definition of unique jobs under keys, each made of one letter.
func encrypted(keys string) *later.Definition[textArgs] {
	var secrets [][]byte
	for _, letter := range keys {
		secret := sha256.Sum256([]byte(string(letter)))
		secrets = append(secrets, secret[:])
	}
	return later.Define[textArgs]("SecretJob", later.Encrypt(secrets...), later.UniqueArgs())
}

// TestUniqueArgsThatAreEncrypted: the key that is stored is the same for the same arguments
// and tells nobody what they are, and a rotation in its usual order lets no second job
// through.
func TestUniqueArgsThatAreEncrypted(t *testing.T) {
	queue := newQueue(t, later.Config{})
	same := textArgs{"yes"}
	first := enqueue(t, encrypted("a"), queue, same)
	key := first.Options.UniqueKey()
	plain := sha256.Sum256([]byte(`{"text":"yes"}`))
	if !strings.HasPrefix(key.Key, "args-hmac:") || strings.Contains(key.Key, hex.EncodeToString(plain[:])) {
		t.Errorf("the key is %s", key.Key)
	}
	for _, keys := range []string{"a", "ab", "ba", "bac", "b"} {
		again := enqueue(t, encrypted(keys), queue, same)
		if found := again.Deduplicated && again.ID == first.ID; found != strings.Contains(keys, "a") {
			t.Errorf("with the keys %s: job %d, deduplicated %v", keys, again.ID, again.Deduplicated)
		}
		if other := enqueue(t, encrypted(keys), queue, textArgs{"no " + keys}); other.Deduplicated {
			t.Errorf("other arguments with the keys %s were deduplicated", keys)
		}
	}
	if err := queue.Cancel(t.Context(), first.ID, "free the key"); err != nil {
		t.Fatal(err)
	}
	if fresh := enqueue(t, encrypted("ca"), queue, same); fresh.Deduplicated || bytes.Equal([]byte(fresh.Options.UniqueKey().Key), []byte(key.Key)) {
		t.Errorf("with a free key: %+v", fresh.Options.UniqueKey())
	}
}

// TestUniqueArgsMeetAcrossARotationInABatch: those of one call meet each other, too, and
// what the caller gave is left as it is.
func TestUniqueArgsMeetAcrossARotationInABatch(t *testing.T) {
	queue := newQueue(t, later.Config{})
	held := enqueue(t, encrypted("a"), queue, textArgs{"held"})
	d := encrypted("ba")
	calls := []later.Call{d.With(textArgs{"held"}), d.With(textArgs{"free"}), d.With(textArgs{"free"}), d.With(textArgs{"held"}, later.UniqueKey("own"))}
	for round := range 2 {
		jobs, err := queue.EnqueueAll(t.Context(), calls...)
		if err != nil {
			t.Fatal(err)
		}
		if jobs[0].ID != held.ID || jobs[1].ID != jobs[2].ID || jobs[3].ID == held.ID || jobs[1].Deduplicated != (round == 1) {
			t.Errorf("round %d: %d %d %d %d", round, jobs[0].ID, jobs[1].ID, jobs[2].ID, jobs[3].ID)
		}
	}
	var _ store.UniqueRule
}
