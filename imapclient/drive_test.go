package imapclient

import "testing"

func TestTheDriveGoesToThoseWhoWaitInTheirOrder(t *testing.T) {
	var d driveLock
	if !d.try() {
		t.Fatal("nobody has it, and it cannot be taken")
	}
	turns := make([]chan struct{}, 4)
	for i := range turns {
		turns[i] = d.wait()
	}
	has := func(i int) bool {
		select {
		case <-turns[i]:
			return true
		default:
			return false
		}
	}
	d.leave(turns[1]) // has waited in vain
	for _, i := range []int{0, 2} {
		if has(i) {
			t.Errorf("waiter %d has it before its turn", i)
		}
		d.release()
		if !has(i) {
			t.Errorf("it was the turn of waiter %d", i)
		}
		if d.try() {
			t.Errorf("it was taken from waiter %d", i)
		}
	}
	d.release()
	if !has(3) {
		t.Error("it was the turn of waiter 3")
	}
	d.leave(turns[3]) // which goes although it is its turn
	if !d.try() {
		t.Error("who left still has it")
	}
	if has(1) {
		t.Error("who left was given it")
	}
}
