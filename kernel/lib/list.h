// SPDX-License-Identifier: MIT
// Intrusive doubly linked list. An object becomes linkable by deriving from ListNode<Itself, Tag>;
// the tag lets it be on several lists. Insertion never allocates, removal is O(1). The list does
// not own.
#pragma once

#include "lib/check.h"
#include "lib/types.h"

namespace kernel {

struct DefaultTag {};

template <class T, class Tag = DefaultTag>
class List;

template <class T, class Tag = DefaultTag>
class ListNode : public Pinned {
 public:
  bool is_linked() const { return next_ != nullptr; }

 protected:
  ListNode() = default;
  ~ListNode() { DCHECK(!is_linked()); }

 private:
  friend class List<T, Tag>;
  ListNode* next_ = nullptr;
  ListNode* previous_ = nullptr;
};

template <class T, class Tag>
class List : public Pinned {
  using Node = ListNode<T, Tag>;
  struct Head : Node {
    ~Head() { this->next_ = nullptr; }
    using Node::next_;
    using Node::previous_;
  };

 public:
  constexpr List() = default;

  // A list that was never used has null links: it can be constinit without a self-pointer.
  bool empty() const { return head_.next_ == nullptr || head_.next_ == &head_; }
  T* front() { return empty() ? nullptr : object(head_.next_); }
  T* back() { return empty() ? nullptr : object(head_.previous_); }
  T* next(T& element) { return object_or_null(node(element)->next_); }
  T* previous(T& element) { return object_or_null(node(element)->previous_); }

  void push_front(T& element) { start(), link_after(&head_, node(element)); }
  void push_back(T& element) { start(), link_after(head_.previous_, node(element)); }
  void insert_before(T& position, T& element) {
    link_after(node(position)->previous_, node(element));
  }
  void insert_after(T& position, T& element) { link_after(node(position), node(element)); }

  // The element must be on this list.
  void remove(T& element) {
    Node* gone = node(element);
    DCHECK(gone->is_linked());
    gone->previous_->next_ = gone->next_;
    gone->next_->previous_ = gone->previous_;
    gone->next_ = gone->previous_ = nullptr;
  }
  T* pop_front() {
    T* first = front();
    if (first != nullptr) remove(*first);
    return first;
  }
  // Moves every element of `other` to the end of this list.
  void splice_back(List& other) {
    while (T* element = other.pop_front()) push_back(*element);
  }

  class Iterator {
   public:
    Iterator(List* list, T* at) : list_(list), at_(at) {}
    T& operator*() const { return *at_; }
    T* operator->() const { return at_; }
    Iterator& operator++() {
      at_ = list_->next(*at_);
      return *this;
    }
    friend bool operator==(Iterator a, Iterator b) { return a.at_ == b.at_; }

   private:
    List* list_;
    T* at_;
  };
  // Removing the element that the loop stands on is not allowed; take next() first.
  Iterator begin() { return Iterator(this, front()); }
  Iterator end() { return Iterator(this, nullptr); }

 private:
  static Node* node(T& element) { return static_cast<Node*>(&element); }
  static T* object(Node* node) { return static_cast<T*>(node); }
  T* object_or_null(Node* node) { return node == &head_ ? nullptr : object(node); }
  void start() {
    if (head_.next_ == nullptr) head_.next_ = head_.previous_ = &head_;
  }
  static void link_after(Node* position, Node* added) {
    DCHECK(!added->is_linked());
    added->next_ = position->next_;
    added->previous_ = position;
    position->next_->previous_ = added;
    position->next_ = added;
  }

  Head head_;
};

}  // namespace kernel
