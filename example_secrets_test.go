package later_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

type PaymentArgs struct {
	OrderID int64  `json:"order_id"`
	Card    string `json:"card" later:"redact"`
}

// keys reads the keys of the environment, the newest first, separated by commas; each
// was made by: openssl rand -hex 32
func keys(variable string) (keys [][]byte) {
	for _, text := range strings.Split(os.Getenv(variable), ",") {
		key, err := hex.DecodeString(text)
		if err != nil {
			panic(variable + ": " + err.Error())
		}
		keys = append(keys, key)
	}
	return keys
}

func ExampleEncrypt() {
	os.Setenv("JOB_KEYS", "1f0c8a6e9b2d4753861f0a5bc3d7e94210fedcba98765432a0b1c2d3e4f50617")
	pay := later.Define[PaymentArgs]("PaymentJob", later.Encrypt(keys("JOB_KEYS")...))

	store, err := sqlite.Open(":memory:")
	if err != nil {
		panic(err)
	}
	defer store.Close()
	queue := later.New(store, later.Config{})
	job, err := pay.PerformLater(context.Background(), queue, PaymentArgs{OrderID: 7, Card: "4242 4242"})
	if err != nil {
		panic(err)
	}
	fmt.Println(string(job.Args[:42]))
	args, err := pay.Args(job)
	fmt.Println(args.Card, err)
	// Output:
	// {"later:encrypted":{"v":1,"key":"f15b9657d
	// 4242 4242 <nil>
}

func ExampleJobQueue_Redact() {
	pay := later.Define[PaymentArgs]("PaymentJob")
	store, err := sqlite.Open(":memory:")
	if err != nil {
		panic(err)
	}
	defer store.Close()
	ctx := context.Background()
	queue := later.New(store, later.Config{})
	queue.Register(pay.Do(func(context.Context, PaymentArgs) error { return nil }))
	job, err := pay.PerformLater(ctx, queue, PaymentArgs{OrderID: 7, Card: "4242 4242"})
	if err != nil {
		panic(err)
	}

	shown, err := queue.Redact(ctx, job)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(shown[0].Args))
	// Output: {"order_id":7,"card":"[redacted]"}
}
