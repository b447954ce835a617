// SPDX-License-Identifier: MIT
// See random.h. One pool key, into which input is chained through the block function, 16 bytes at a
// time: key = block(key, input). Each CPU draws from a key of its own, which it takes from the pool
// whenever the pool has had new input; every block replaces the key by output that nobody sees. Its
// other half serves small requests, word by word; a word that was given out is wiped.

#include "sync/random.h"

#include "arch/cpu.h"
#include "arch/timer.h"
#include "lib/chacha20.h"
#include "sync/per_cpu.h"
#include "sync/spin_lock.h"

namespace kernel::random {
namespace {

constexpr unsigned kSeededBits = 256;

struct Pool {
  SpinLock<LockRank::Random> lock;
  ChaChaKey key GUARDED_BY(lock) = {};
  uint32_t draws GUARDED_BY(lock) = 0;
};
constinit Pool pool;
constinit Atomic<uint64_t> generation{1};  // rises with each input
constinit Atomic<uint32_t> credited_bits;

struct CpuKey {
  SpinLock<LockRank::RandomCpu> lock;
  ChaChaKey key GUARDED_BY(lock) = {};
  uint64_t generation GUARDED_BY(lock) = 0;
  uint64_t words[4] GUARDED_BY(lock) = {};  // for who asks next
  size_t left GUARDED_BY(lock) = 0;
};
PER_CPU(CpuKey, cpu_key);

template <class T>
void forget(T& secret) {
  __builtin_memset(&secret, 0, sizeof secret);
  asm volatile("" ::"r"(&secret) : "memory");  // the store is wanted
}

// Splits a block: the first half replaces the key, the second half is given out.
ChaChaKey advance(ChaChaKey& key, const std::array<uint32_t, 4>& input) {
  ChaChaBlock block = chacha20_block(key, input);
  ChaChaKey given;
  for (size_t i = 0; i < 8; ++i) {
    key[i] = block[i];
    given[i] = block[8 + i];
  }
  return given;
}

// New input counts from the next request on.
void renew_locked(CpuKey& cpu) REQUIRES(cpu.lock) {
  uint64_t now = generation.load_acquire();
  if (cpu.generation == now) return;
  Guard pool_guard(pool.lock);
  ChaChaKey fresh = advance(pool.key, {++pool.draws, 0, 0, 0});
  for (size_t i = 0; i < 8; ++i) cpu.key[i] ^= fresh[i];
  cpu.generation = now;
  cpu.left = 0;
}

// A key that is used for one request and then forgotten.
ChaChaKey draw() {
  CpuKey& cpu = cpu_key.nearby();
  Guard guard(cpu.lock);
  renew_locked(cpu);
  return advance(cpu.key, {});
}

uint64_t take_word_locked(CpuKey& cpu) REQUIRES(cpu.lock) {
  if (cpu.left == 0) {
    ChaChaKey given = advance(cpu.key, {});
    static_assert(sizeof given == sizeof cpu.words);
    __builtin_memcpy(cpu.words, &given, sizeof given);
    forget(given);
    cpu.left = std::size(cpu.words);
  }
  return std::exchange(cpu.words[--cpu.left], 0);
}

void fill_by_words(std::span<uint8_t> out) {
  CpuKey& cpu = cpu_key.nearby();
  Guard guard(cpu.lock);
  renew_locked(cpu);
  while (!out.empty()) {
    uint64_t word = take_word_locked(cpu);
    size_t count = out.size() < sizeof word ? out.size() : sizeof word;
    __builtin_memcpy(out.data(), &word, count);
    out = out.subspan(count);
  }
}

// Without any seed: the time that a loop takes varies with caches, interrupts and the host. One bit
// for each reading whose second difference is not zero is a cautious measure.
void add_jitter() {
  uint64_t last = arch::counter(), last_delta = 0;
  unsigned bits = 0;
  for (unsigned round = 0; round < 4096 && bits < kSeededBits; ++round) {
    uint8_t bytes[8];
    uint64_t now = arch::counter(), delta = now - last;
    __builtin_memcpy(bytes, &now, sizeof bytes);
    unsigned credit = delta != last_delta ? 1 : 0;
    add_entropy(bytes, credit);
    bits += credit;
    last = now;
    last_delta = delta;
  }
}

}  // namespace

void init(std::span<const uint8_t> seed) {
  add_entropy(seed, static_cast<unsigned>(seed.size() * 8));
  for (unsigned i = 0; i < 8; ++i) {
    uint64_t word = 0;
    unsigned credit = arch::hardware_random(word) ? 64 : 0;
    if (credit == 0) word = arch::counter();
    uint8_t bytes[8];
    __builtin_memcpy(bytes, &word, sizeof bytes);
    add_entropy(bytes, credit);
  }
  if (!is_seeded()) add_jitter();
}

void add_entropy(std::span<const uint8_t> input, unsigned credit_bits) {
  while (!input.empty()) {
    std::array<uint32_t, 4> words{};
    size_t count = input.size() < sizeof words ? input.size() : sizeof words;
    __builtin_memcpy(words.data(), input.data(), count);
    input = input.subspan(count);
    Guard guard(pool.lock);
    advance(pool.key, words);
  }
  uint32_t bits = credited_bits.load_relaxed();
  if (bits < kSeededBits)
    credited_bits.fetch_add_relaxed(credit_bits < kSeededBits ? credit_bits : kSeededBits);
  generation.fetch_add_acq_rel(1);
}

bool is_seeded() { return credited_bits.load_relaxed() >= kSeededBits; }

void fill(std::span<uint8_t> out) {
  if (out.size() <= sizeof(CpuKey::words)) return fill_by_words(out);
  ChaChaKey key = draw();
  for (uint32_t counter = 0; !out.empty(); ++counter) {
    ChaChaBlock block = chacha20_block(key, {counter, 1, 0, 0});
    size_t count = out.size() < sizeof block ? out.size() : sizeof block;
    __builtin_memcpy(out.data(), block.data(), count);
    out = out.subspan(count);
    forget(block);
    if (counter == ~uint32_t{0}) key = draw();
  }
  forget(key);
}

uint64_t u64() {
  CpuKey& cpu = cpu_key.nearby();
  Guard guard(cpu.lock);
  renew_locked(cpu);
  return take_word_locked(cpu);
}

uint64_t below(uint64_t limit) {
  DCHECK(limit != 0);
  // What lies above the largest multiple of the limit would favour small numbers.
  uint64_t unfair = (0 - limit) % limit;
  for (;;) {
    uint64_t value = u64();
    if (value >= unfair) return value % limit;
  }
}

}  // namespace kernel::random
