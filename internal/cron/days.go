package cron

import (
	"fmt"
	"strings"
	"time"
)

// days are the two fields that choose days. As in Vixie's cron, a day must match
// either if both are restricted, and both if one is written with a star.
type days struct {
	ofMonth  set
	lastDay  bool    // L: the month's last
	weekday  set     // 0 for Sunday
	inMonth  [7]set  // MON#2: which ones of a weekday in a month, from 1
	lastOnes set     // MONL: weekdays of which the month's last one counts
	star     [2]bool // whether each field is written with a star
}

func (d *days) readDaysOfMonth(text string) error {
	d.star[0] = hasStar(text)
	for part := range strings.SplitSeq(text, ",") {
		switch {
		case part == "?":
			d.ofMonth |= full(daysOfMonth)
		case strings.EqualFold(part, "L"):
			d.lastDay = true
		default:
			members, err := daysOfMonth.readPart(part)
			if err != nil {
				return err
			}
			d.ofMonth |= members
		}
	}
	return nil
}

func (d *days) readWeekdays(text string) error {
	d.star[1] = hasStar(text)
	for part := range strings.SplitSeq(text, ",") {
		if err := d.readWeekday(part); err != nil {
			return err
		}
	}
	return nil
}

func (d *days) readWeekday(part string) error {
	if part == "?" {
		d.weekday |= 1<<7 - 1
		return nil
	}
	if name, number, found := strings.Cut(part, "#"); found {
		day, err := weekdays.number(name)
		if err != nil {
			return err
		}
		if len(number) != 1 || number < "1" || number > "5" {
			return fmt.Errorf("%s %q: a month has the first to the fifth of a weekday, #1 to #5", weekdays.name, part)
		}
		d.inMonth[day%7] |= 1 << (number[0] - '0')
		return nil
	}
	if last := len(part) - 1; last > 0 && (part[last] == 'L' || part[last] == 'l') {
		day, err := weekdays.number(part[:last])
		if err != nil {
			return err
		}
		d.lastOnes |= 1 << (day % 7)
		return nil
	}
	members, err := weekdays.readPart(part)
	d.weekday |= members&(1<<7-1) | members>>7
	return err
}

// match reports whether a day of a month that has so many of them is one.
func (d *days) match(day int, weekday time.Weekday, length int) bool {
	byMonth := d.ofMonth.has(day) || d.lastDay && day == length
	byWeek := d.weekday.has(int(weekday)) || d.inMonth[weekday].has((day-1)/7+1) ||
		d.lastOnes.has(int(weekday)) && day+7 > length
	if d.star[0] || d.star[1] {
		return byMonth && byWeek
	}
	return byMonth || byWeek
}
