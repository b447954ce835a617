// SPDX-License-Identifier: MIT
// The accounts in a small hash table under one lock; see user_account.h. Changes of user id are
// rare.

#include "task/user_account.h"

#include "sync/spin_lock.h"

namespace kernel {
namespace {

constexpr size_t kBuckets = 32;
using Bucket = List<UserAccount>;

constinit SpinLock<LockRank::Leaf> accounts_lock;
constinit Bucket accounts[kBuckets] GUARDED_BY(accounts_lock);

// A new reference on the account, when there is one that is not dying.
UserAccount* find_locked(uint32_t uid) REQUIRES(accounts_lock) {
  for (UserAccount& account : accounts[uid % kBuckets]) {
    if (account.uid() == uid && account.try_ref()) return &account;
  }
  return nullptr;
}

}  // namespace

Result<Ref<UserAccount>> UserAccount::of(uint32_t uid) {
  {
    Guard guard(accounts_lock);
    if (UserAccount* found = find_locked(uid)) return Ref<UserAccount>::adopt(*found);
  }
  Ref<UserAccount> made = TRY(make_ref<UserAccount>(uid));
  UserAccount* other = nullptr;
  {
    Guard guard(accounts_lock);
    other = find_locked(uid);  // somebody was faster
    if (other == nullptr) accounts[uid % kBuckets].push_back(*made);
  }
  if (other == nullptr) return made;
  delete std::move(made).leak();  // it was never on the list
  return Ref<UserAccount>::adopt(*other);
}

void UserAccount::last_unref(UserAccount* account) {
  {
    Guard guard(accounts_lock);
    accounts[account->uid_ % kBuckets].remove(*account);
  }
  delete account;
}

}  // namespace kernel
