package redact

import (
	"bytes"
	"encoding/json"
)

// Same compares two documents, whatever their spaces.
func Same(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}

// Restore puts back what was not shown: every value of edited that is as it was shown,
// and was shown otherwise than it is.
func Restore(stored, shown, edited json.RawMessage) (json.RawMessage, error) {
	if !json.Valid(edited) {
		var v any
		return nil, json.Unmarshal(edited, &v)
	}
	if Same(stored, shown) {
		var compact bytes.Buffer
		err := json.Compact(&compact, edited)
		return compact.Bytes(), err
	}
	if Same(shown, edited) {
		return stored, nil
	}
	var was, seen, now map[string]json.RawMessage
	if json.Unmarshal(stored, &was) == nil && json.Unmarshal(shown, &seen) == nil && json.Unmarshal(edited, &now) == nil && was != nil && seen != nil && now != nil {
		for name, value := range now {
			if was[name] == nil || seen[name] == nil {
				continue
			}
			back, err := Restore(was[name], seen[name], value)
			if err != nil {
				return nil, err
			}
			now[name] = back
		}
		return json.Marshal(now)
	}
	var wasList, seenList, nowList []json.RawMessage
	if json.Unmarshal(stored, &wasList) == nil && json.Unmarshal(shown, &seenList) == nil && json.Unmarshal(edited, &nowList) == nil {
		for i := range min(len(nowList), len(seenList), len(wasList)) {
			back, err := Restore(wasList[i], seenList[i], nowList[i])
			if err != nil {
				return nil, err
			}
			nowList[i] = back
		}
		return json.Marshal(nowList)
	}
	return edited, nil
}
