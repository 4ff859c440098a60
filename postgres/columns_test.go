package postgres

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// TestColumnsAsTheDriverWrites: the bytes of a column are those that the driver makes of
// it, and the driver reads them back.
func TestColumnsAsTheDriverWrites(t *testing.T) {
	conn := newFilling(t, "inside_columns").connect(plannerSettings)
	ours, drivers := conn.TypeMap(), pgtype.NewMap()
	if ours == drivers {
		t.Fatal("one map of types for all connections")
	}
	writeColumnsAtOnce(conn)
	for name, column := range map[string]struct {
		oid   uint32
		value any
	}{
		"small":   {pgtype.Int2ArrayOID, []int16{0, 1, -1, math.MinInt16, math.MaxInt16}},
		"numbers": {pgtype.Int4ArrayOID, []int32{0, 1, -1, math.MinInt32, math.MaxInt32}},
		"ids":     {pgtype.Int8ArrayOID, []int64{0, 1, -1, math.MinInt64, math.MaxInt64}},
		"texts":   {pgtype.TextArrayOID, []string{"", "a", "ü\n\"{},", string(make([]byte, 300))}},
		"times": {pgtype.TimestamptzArrayOID, []time.Time{
			{}, time.Unix(0, 0), time.Date(1999, 12, 31, 23, 59, 59, 999_999_999, time.UTC), time.Date(9999, 12, 31, 0, 0, 0, 1000, time.FixedZone("", 3600)),
			time.Date(-4000, 1, 1, 0, 0, 0, 999, time.UTC),
		}},
		"one":                {pgtype.Int8ArrayOID, []int64{7}},
		"none":               {pgtype.Int8ArrayOID, []int64{}},
		"NULL":               {pgtype.TextArrayOID, []string(nil)},
		"ids as numbers":     {pgtype.Int4ArrayOID, []int64{7, -7}},
		"pointers":           {pgtype.Int8ArrayOID, []*int64{nil}},
		"numbers as texts":   {pgtype.Int4ArrayOID, []int{1, 2}},
		"a type of its own":  {pgtype.TextArrayOID, []ownText{"a", "b"}},
		"an array of arrays": {pgtype.Int8ArrayOID, [][]int64{{1, 2}, {3, 4}}},
	} {
		want, wantErr := drivers.Encode(column.oid, pgtype.BinaryFormatCode, column.value, []byte("before"))
		got, err := ours.Encode(column.oid, pgtype.BinaryFormatCode, column.value, []byte("before"))
		if (err == nil) != (wantErr == nil) || !slices.Equal(got, want) {
			t.Errorf("%s: %x, %v; the driver writes %x, %v", name, got, err, want, wantErr)
		}
	}
}

type ownText string

// BenchmarkColumns writes the columns of a batch of 1,000 outcomes.
func BenchmarkColumns(b *testing.B) {
	ids, times := make([]int64, 1000), slices.Repeat([]time.Time{time.Now()}, 1000)
	m := pgtype.NewMap()
	for oid, element := range columnTypes {
		known, _ := m.TypeForOID(oid)
		m.RegisterType(&pgtype.Type{Name: known.Name, OID: oid, Codec: columnCodec{known.Codec.(*pgtype.ArrayCodec), element}})
	}
	for name, m := range map[string]*pgtype.Map{"driver": pgtype.NewMap(), "columns": m} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var buf []byte
				for _, column := range []any{ids, ids, times, times} {
					oid := uint32(pgtype.Int8ArrayOID)
					if _, isTime := column.([]time.Time); isTime {
						oid = pgtype.TimestamptzArrayOID
					}
					buf, _ = m.Encode(oid, pgtype.BinaryFormatCode, column, buf)
				}
			}
		})
	}
}
