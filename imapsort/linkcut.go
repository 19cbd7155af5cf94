package imapsort

// linkCut is a forest that changes, and in which the root of a node's tree is found in time that grows with
// the logarithm of its size, on average over many calls: the link/cut trees of Sleator and Tarjan ("A data
// structure for dynamic trees", 1983). To walk up from parent to parent would take too long in threads that
// are as deep as there are messages.
//
// The paths of the forest are cut into pieces, and each piece is a splay tree, ordered by depth.
type linkCut []splayNode

// splayNode has its neighbours in the splay tree. The up of the top of a splay tree is the node above the piece
// of path, which does not have it among its children.
type splayNode struct{ up, left, right int32 }

// add adds a node without a parent.
func (t *linkCut) add() { *t = append(*t, splayNode{none, none, none}) }

// root returns the root of a node's tree.
func (t linkCut) root(node int32) int32 {
	t.access(node)
	for t[node].left != none {
		node = t[node].left
	}
	t.splay(node)
	return node
}

// link makes parent the parent of child, which is the root of another tree.
func (t linkCut) link(parent, child int32) {
	t.access(child)
	t.access(parent)
	t[child].up = parent
}

// cut takes a node and what is below it away from its parent.
func (t linkCut) cut(node int32) {
	t.access(node)
	if above := t[node].left; above != none {
		t[above].up, t[node].left = none, none
	}
}

// access makes the path from the root to node one piece, with node at the top of its splay tree.
func (t linkCut) access(node int32) {
	below := none
	for n := node; n != none; n = t[n].up {
		t.splay(n)
		t[n].right, below = below, n
	}
	t.splay(node)
}

// splay brings a node to the top of its splay tree.
func (t linkCut) splay(node int32) {
	for !t.isTop(node) {
		if up := t[node].up; !t.isTop(up) {
			if (t[up].left == node) == (t[t[up].up].left == up) {
				t.rotate(up)
			} else {
				t.rotate(node)
			}
		}
		t.rotate(node)
	}
}

func (t linkCut) isTop(node int32) bool {
	up := t[node].up
	return up == none || t[up].left != node && t[up].right != node
}

// rotate exchanges a node and the one above it.
func (t linkCut) rotate(node int32) {
	up := t[node].up
	top := t[up].up
	if !t.isTop(up) {
		if t[top].left == up {
			t[top].left = node
		} else {
			t[top].right = node
		}
	}
	var moved int32
	if t[up].left == node {
		moved = t[node].right
		t[up].left, t[node].right = moved, up
	} else {
		moved = t[node].left
		t[up].right, t[node].left = moved, up
	}
	if moved != none {
		t[moved].up = up
	}
	t[up].up, t[node].up = node, top
}
