// SPDX-License-Identifier: MIT
// Intrusive balanced binary search tree (AVL). An object derives from TreeNode<Itself, Tag>; the
// Order policy says which of two elements is smaller. A policy may keep a summary of each subtree
// up to date (Order::summarise). Insertion never allocates. The tree does not own.
#pragma once

#include "lib/check.h"
#include "lib/list.h"
#include "lib/types.h"

namespace kernel {

template <class T, class Order, class Tag>
class Tree;

template <class T, class Tag = DefaultTag>
class TreeNode : public Pinned {
 public:
  bool is_in_tree() const { return linked_; }

 protected:
  TreeNode() = default;
  ~TreeNode() { DCHECK(!linked_); }

 private:
  template <class, class, class>
  friend class Tree;
  TreeNode* parent_ = nullptr;
  TreeNode* left_ = nullptr;
  TreeNode* right_ = nullptr;
  int8_t height_ = 1;
  bool linked_ = false;
};

// Order: static bool less(const T&, const T&). Optional: static bool summarise(T& node, T* left, T*
// right), called bottom-up whenever a subtree changes; false: the summary is what it was, so that
// those above need no other.
template <class T, class Order, class Tag = DefaultTag>
class Tree : public Pinned {
  using Node = TreeNode<T, Tag>;

 public:
  constexpr Tree() = default;

  bool empty() const { return root_ == nullptr; }
  T* root() const { return object(root_); }
  static T* left(const T& element) { return object(node(element)->left_); }
  static T* right(const T& element) { return object(node(element)->right_); }
  T* first() const { return leftmost(root_); }
  T* last() const { return rightmost(root_); }

  static T* next(const T& element) {
    const Node* at = node(element);
    if (at->right_ != nullptr) return leftmost(at->right_);
    while (at->parent_ != nullptr && at == at->parent_->right_) at = at->parent_;
    return object(at->parent_);
  }
  static T* previous(const T& element) {
    const Node* at = node(element);
    if (at->left_ != nullptr) return rightmost(at->left_);
    while (at->parent_ != nullptr && at == at->parent_->left_) at = at->parent_;
    return object(at->parent_);
  }

  // Equal elements stand in the order of insertion.
  void insert(T& element) {
    Node* added = node(element);
    DCHECK(!added->linked_);
    Node* parent = nullptr;
    Node** link = &root_;
    while (*link != nullptr) {
      parent = *link;
      link = Order::less(element, *object(parent)) ? &parent->left_ : &parent->right_;
    }
    added->parent_ = parent;
    added->left_ = added->right_ = nullptr;
    added->height_ = 1;
    added->linked_ = true;
    *link = added;
    update(added);
    rebalance_up(parent);
  }

  // Into an empty tree, all at once: `count` elements, which next() gives in their order.
  template <class Next>
  void fill(size_t count, Next next) {
    DCHECK(empty());
    root_ = build(count, next);
  }

  void remove(T& element) {
    Node* gone = node(element);
    DCHECK(gone->linked_);
    Node* repair;
    Node* heir = nullptr;
    if (gone->left_ != nullptr && gone->right_ != nullptr) {
      heir = gone->right_;  // the next in order takes the place
      while (heir->left_ != nullptr) heir = heir->left_;
      repair = heir->parent_ == gone ? heir : heir->parent_;
      replace(heir, heir->right_);
      heir->left_ = gone->left_;
      heir->left_->parent_ = heir;
      heir->right_ = gone->right_;
      if (heir->right_ != nullptr) heir->right_->parent_ = heir;
      replace(gone, heir);
    } else {
      repair = gone->parent_;
      replace(gone, gone->left_ != nullptr ? gone->left_ : gone->right_);
    }
    gone->linked_ = false;
    gone->parent_ = gone->left_ = gone->right_ = nullptr;
    rebalance_up(repair, heir);
  }

  // Some element, which is out then; null: empty. Keeps neither balance nor summaries: good only
  // for taking all of them out.
  T* take_any() {
    Node* at = root_;
    if (at == nullptr) return nullptr;
    while (at->left_ != nullptr || at->right_ != nullptr)
      at = at->left_ != nullptr ? at->left_ : at->right_;
    replace(at, nullptr);
    at->linked_ = false;
    at->parent_ = nullptr;
    return object(at);
  }

  // The first element for which below(element) is false; `below` is true for a prefix of the order.
  template <class Below>
  T* lower_bound(Below below) const {
    Node* at = root_;
    Node* found = nullptr;
    while (at != nullptr) {
      if (below(*object(at))) {
        at = at->right_;
      } else {
        found = at;
        at = at->left_;
      }
    }
    return object(found);
  }

  // After a change of what summarise() reads in `element`.
  void refresh(T& element) {
    for (Node* at = node(element); at != nullptr && update(at);) at = at->parent_;
  }

 private:
  static Node* node(T& element) { return static_cast<Node*>(&element); }
  static const Node* node(const T& element) { return static_cast<const Node*>(&element); }
  static T* object(const Node* node) {
    return node == nullptr ? nullptr : static_cast<T*>(const_cast<Node*>(node));
  }
  static T* leftmost(const Node* at) {
    while (at != nullptr && at->left_ != nullptr) at = at->left_;
    return object(at);
  }
  static T* rightmost(const Node* at) {
    while (at != nullptr && at->right_ != nullptr) at = at->right_;
    return object(at);
  }
  static int height(const Node* node) { return node == nullptr ? 0 : node->height_; }
  // Whether anything that its parent looks at has changed.
  static bool update(Node* at) {
    int left = height(at->left_), right = height(at->right_);
    auto tall = static_cast<int8_t>((left > right ? left : right) + 1);
    bool changed = std::exchange(at->height_, tall) != tall;
    if constexpr (requires { Order::summarise(*object(at), object(at), object(at)); })
      changed |= Order::summarise(*object(at), object(at->left_), object(at->right_));
    return changed;
  }
  // Puts `heir` (may be null) where `gone` hangs.
  void replace(Node* gone, Node* heir) {
    Node* parent = gone->parent_;
    if (parent == nullptr) {
      root_ = heir;
    } else if (parent->left_ == gone) {
      parent->left_ = heir;
    } else {
      parent->right_ = heir;
    }
    if (heir != nullptr) heir->parent_ = parent;
  }
  Node* rotate(Node* top, Node* Node::*down, Node* Node::*up) {
    Node* risen = top->*down;
    replace(top, risen);
    top->*down = risen->*up;
    if (top->*down != nullptr) (top->*down)->parent_ = top;
    risen->*up = top;
    top->parent_ = risen;
    update(top);
    update(risen);
    return risen;
  }
  template <class Next>
  static Node* build(size_t count, Next& next) {
    if (count == 0) return nullptr;
    Node* left = build(count / 2, next);
    Node* top = node(next());
    Node* right = build(count - count / 2 - 1, next);
    top->parent_ = nullptr;
    top->left_ = left;
    top->right_ = right;
    if (left != nullptr) left->parent_ = top;
    if (right != nullptr) right->parent_ = top;
    top->linked_ = true;
    update(top);
    return top;
  }
  // To the root, or to where nothing changes any more: that does not show up to `newcomer`, which
  // stands where another stood.
  void rebalance_up(Node* at, const Node* newcomer = nullptr) {
    while (at != nullptr) {
      bool changed = update(at) || newcomer != nullptr;
      if (at == newcomer) newcomer = nullptr;
      int balance = height(at->left_) - height(at->right_);
      if (balance > 1) {
        if (height(at->left_->left_) < height(at->left_->right_))
          rotate(at->left_, &Node::right_, &Node::left_);
        at = rotate(at, &Node::left_, &Node::right_);
      } else if (balance < -1) {
        if (height(at->right_->right_) < height(at->right_->left_))
          rotate(at->right_, &Node::left_, &Node::right_);
        at = rotate(at, &Node::right_, &Node::left_);
      } else if (!changed) {
        return;
      }
      at = at->parent_;
    }
  }

  Node* root_ = nullptr;
};

}  // namespace kernel
