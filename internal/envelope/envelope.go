// Package envelope keeps JSON values under AES-256-GCM (NIST SP 800-38D) with a random
// nonce for each value, in a form that is JSON again and that everybody recognises:
//
//	{"later:encrypted":{"v":1,"key":"8f2c6a01e0b4d7f3","data":"…"}}
//
// data is the nonce (12 bytes), the ciphertext and the tag (16 bytes) in base64.
package envelope

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// The reasons for which Open refuses.
var (
	ErrNoKey  = errors.New("no key for an encrypted value")
	ErrBroken = errors.New("encrypted value is broken")
)

// KeySize is the bytes of a key.
const KeySize = 32

// Keys are the keys of one kind of value: the first encrypts, all decrypt.
type Keys struct{ keys []key }

type key struct {
	id   string
	aead cipher.AEAD // with the nonce in front of what it seals
	mac  []byte      // the key of MACs
}

// macKey is derived from a key by HKDF (RFC 5869), so that nothing that is under one of
// the two tells anything of the other.
func macKey(secret []byte) ([]byte, error) {
	return hkdf.Key(sha256.New, secret, nil, "later unique key 1", sha256.Size)
}

// MACs are what stands for a value where equal ones must be told: HMAC-SHA256 in
// hexadecimal, under each of the keys, that of the first one first.
func (k *Keys) MACs(plain []byte, purpose string) (macs []string) {
	for _, key := range k.keys {
		mac := hmac.New(sha256.New, key.mac)
		mac.Write([]byte(purpose)) // a hash never fails
		mac.Write([]byte{0})
		mac.Write(plain)
		macs = append(macs, hex.EncodeToString(mac.Sum(nil)))
	}
	return macs
}

// NewKeys checks the keys.
func NewKeys(secrets ...[]byte) (*Keys, error) {
	if len(secrets) == 0 {
		return nil, errors.New("no key")
	}
	k := &Keys{}
	for i, secret := range secrets {
		if len(secret) != KeySize {
			return nil, fmt.Errorf("key %d has %d bytes; AES-256 needs %d random ones", i+1, len(secret), KeySize)
		}
		if bytes.Count(secret, secret[:1]) == KeySize {
			return nil, fmt.Errorf("key %d is the same byte %d times; it must be random", i+1, KeySize)
		}
		block, err := aes.NewCipher(secret)
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, err
		}
		mac, err := macKey(secret)
		if err != nil {
			return nil, err
		}
		k.keys = append(k.keys, key{idOf(secret), aead, mac})
	}
	return k, nil
}

// idOf names a key without telling it: keys are random, so nobody can guess one and
// compare.
func idOf(secret []byte) string {
	sum := sha256.Sum256(append([]byte("later key id 1\x00"), secret...))
	return hex.EncodeToString(sum[:8])
}

// outer is the stored form.
type outer struct {
	Sealed *content `json:"later:encrypted"`
}

type content struct {
	Version int    `json:"v"`
	Key     string `json:"key"`
	Data    string `json:"data"`
}

const version = 1

// prefix begins every stored form.
const prefix = `{"later:encrypted":`

// Is reports whether a value is in the stored form.
func Is(raw []byte) bool { return bytes.HasPrefix(raw, []byte(prefix)) }

// Seal encrypts a value. It can be opened only with the same purpose: what is moved to
// where something else is expected does not open.
func (k *Keys) Seal(plain []byte, purpose string) json.RawMessage {
	first := k.keys[0]
	data := first.aead.Seal(nil, nil, plain, []byte(purpose))
	return fmt.Appendf(nil, `%s{"v":%d,"key":"%s","data":"%s"}}`, prefix, version, first.id, base64.StdEncoding.EncodeToString(data))
}

// Open decrypts a value that was sealed for one of the purposes. ErrNoKey names the key
// that is missing; ErrBroken: somebody has changed the value or moved it here.
func (k *Keys) Open(raw []byte, purposes ...string) ([]byte, error) {
	c, err := parse(raw)
	if err != nil {
		return nil, err
	}
	found := k.find(c.Key)
	if found == nil {
		return nil, fmt.Errorf("%w: it was encrypted with the key %.32q, which is not among those here (%s)", ErrNoKey, c.Key, k)
	}
	data, err := base64.StdEncoding.Strict().DecodeString(c.Data)
	if err != nil || len(data) < found.aead.Overhead() {
		return nil, fmt.Errorf("%w: its data is cut or not base64", ErrBroken)
	}
	for _, purpose := range purposes {
		if plain, err := found.aead.Open(nil, nil, data, []byte(purpose)); err == nil {
			return plain, nil
		}
	}
	return nil, fmt.Errorf("%w: it is not what was encrypted with the key %s, or belongs somewhere else", ErrBroken, c.Key)
}

func parse(raw []byte) (content, error) {
	var e outer
	if err := json.Unmarshal(raw, &e); err != nil || e.Sealed == nil {
		return content{}, fmt.Errorf("%w: it is not in the form of encrypted values", ErrBroken)
	}
	if e.Sealed.Version != version {
		return content{}, fmt.Errorf("%w: its form %d is not known here", ErrNoKey, e.Sealed.Version)
	}
	return *e.Sealed, nil
}

func (k *Keys) find(id string) *key {
	if k == nil {
		return nil
	}
	for i := range k.keys {
		if k.keys[i].id == id {
			return &k.keys[i]
		}
	}
	return nil
}

// String lists the ids of the keys.
func (k *Keys) String() string {
	if k == nil {
		return "none"
	}
	var ids []byte
	for i, key := range k.keys {
		if i > 0 {
			ids = append(ids, ", "...)
		}
		ids = append(ids, key.id...)
	}
	return string(ids)
}
