package postgres

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// columnTypes are the types of the arrays in which the columns of a batch travel, each
// with that of its values.
var columnTypes = map[uint32]uint32{
	pgtype.Int2ArrayOID: pgtype.Int2OID, pgtype.Int4ArrayOID: pgtype.Int4OID, pgtype.Int8ArrayOID: pgtype.Int8OID,
	pgtype.TextArrayOID: pgtype.TextOID, pgtype.TimestamptzArrayOID: pgtype.TimestamptzOID,
}

// writeColumnsAtOnce lets a connection of the store's own write each column in one loop.
// The driver makes several calls for each value, which takes it longer than all the rest
// of sending a batch.
func writeColumnsAtOnce(conn *pgx.Conn) {
	for array, element := range columnTypes {
		known, ok := conn.TypeMap().TypeForOID(array)
		if !ok {
			continue
		}
		if codec, ok := known.Codec.(*pgtype.ArrayCodec); ok {
			conn.TypeMap().RegisterType(&pgtype.Type{Name: known.Name, OID: array, Codec: columnCodec{codec, element}})
		}
	}
}

// columnCodec writes the slices of a batch's columns; all else is the driver's.
type columnCodec struct {
	*pgtype.ArrayCodec
	element uint32
}

// PlanEncode chooses by the type of the slice.
func (c columnCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if format == pgtype.BinaryFormatCode {
		switch value.(type) {
		case []int16:
			if c.element == pgtype.Int2OID {
				return columnPlan[int16]{c.element, 2, appendInt16}
			}
		case []int32:
			if c.element == pgtype.Int4OID {
				return columnPlan[int32]{c.element, 4, appendInt32}
			}
		case []int64:
			if c.element == pgtype.Int8OID {
				return columnPlan[int64]{c.element, 8, appendInt64}
			}
		case []string:
			if c.element == pgtype.TextOID {
				return columnPlan[string]{c.element, 0, appendText}
			}
		case []time.Time:
			if c.element == pgtype.TimestamptzOID {
				return columnPlan[time.Time]{c.element, 8, appendTime}
			}
		}
	}
	return c.ArrayCodec.PlanEncode(m, oid, format, value)
}

// columnPlan writes a column in the form that array_recv reads (PostgreSQL,
// src/backend/utils/adt/arrayfuncs.c): the number of dimensions, whether there are NULLs,
// the type of the values; the length and the lower bound; each value behind its length.
type columnPlan[T any] struct {
	element uint32
	size    int // of a value; 0: it differs
	append  func([]byte, T) []byte
}

// Encode appends value, which is a []T, to buf.
func (p columnPlan[T]) Encode(value any, buf []byte) ([]byte, error) {
	column := value.([]T)
	if column == nil {
		return nil, nil // NULL
	}
	buf = slices.Grow(buf, 20+len(column)*(4+p.size))
	for _, head := range [...]uint32{1, 0, p.element, uint32(len(column)), 1} {
		buf = binary.BigEndian.AppendUint32(buf, head)
	}
	for _, v := range column {
		buf = p.append(buf, v)
	}
	return buf, nil
}

func appendInt16(buf []byte, v int16) []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(buf, 2), uint16(v))
}

func appendInt32(buf []byte, v int32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(buf, 4), uint32(v))
}

func appendInt64(buf []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(buf, 8), uint64(v))
}

func appendText(buf []byte, v string) []byte {
	return append(binary.BigEndian.AppendUint32(buf, uint32(len(v))), v...)
}

// year2000 is where PostgreSQL counts time from, in microseconds since 1970.
const year2000 = 946_684_800_000_000

func appendTime(buf []byte, v time.Time) []byte {
	return appendInt64(buf, v.Unix()*1_000_000+int64(v.Nanosecond()/1000)-year2000)
}
