// SPDX-License-Identifier: MIT
// clang's thread-safety attributes; empty for gcc. The compiler proves which data a lock guards.
#pragma once

#if defined(__clang__)
#define SAMARA_TSA(x) __attribute__((x))
#else
#define SAMARA_TSA(x)
#endif

#define CAPABILITY(name) SAMARA_TSA(capability(name))
#define SCOPED_CAPABILITY SAMARA_TSA(scoped_lockable)
#define GUARDED_BY(lock) SAMARA_TSA(guarded_by(lock))
#define PT_GUARDED_BY(lock) SAMARA_TSA(pt_guarded_by(lock))
#define REQUIRES(...) SAMARA_TSA(requires_capability(__VA_ARGS__))
#define REQUIRES_SHARED(...) SAMARA_TSA(requires_shared_capability(__VA_ARGS__))
#define EXCLUDES(...) SAMARA_TSA(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) SAMARA_TSA(acquire_capability(__VA_ARGS__))
#define ACQUIRE_SHARED(...) SAMARA_TSA(acquire_shared_capability(__VA_ARGS__))
#define RELEASE(...) SAMARA_TSA(release_capability(__VA_ARGS__))
#define TRY_ACQUIRE(...) SAMARA_TSA(try_acquire_capability(__VA_ARGS__))
#define RETURN_CAPABILITY(lock) SAMARA_TSA(lock_returned(lock))
#define ASSERT_CAPABILITY(lock) SAMARA_TSA(assert_capability(lock))
#define NO_THREAD_SAFETY_ANALYSIS SAMARA_TSA(no_thread_safety_analysis)
