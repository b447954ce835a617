// SPDX-License-Identifier: MIT
// CPU features; see arch/features.h and id_registers.h. One table lists the identification
// registers' fields that programs may see, the next which HWCAP follows from which value. Written
// while CPUs come up one by one, read after.

#include "arch/features.h"

#include "arch_impl/registers.h"
#include "id_registers.h"
#include "sync/per_cpu.h"

namespace kernel::arch {
namespace {

enum Register : uint8_t { Pfr0, Pfr1, Isar0, Isar1, Isar2, Mmfr0, Mmfr1, Mmfr2, kRegisters };

struct Field {
  Register reg;
  uint8_t shift;
  bool is_signed = false;
};
// Linux's FTR_VISIBLE fields, without those of SVE, SME, MTE, pointer authentication and BTI.
constexpr Field kFpField{Pfr0, 16, true}, kAdvSimdField{Pfr0, 20, true};
constexpr Field kVisible[] = {
    kFpField,    kAdvSimdField, {Pfr0, 48},  // DIT
    {Pfr1, 4},                               // SSBS
    {Isar0, 4},  {Isar0, 8},    {Isar0, 12},
    {Isar0, 16}, {Isar0, 20},  // AES SHA1 SHA2 CRC32 Atomic
    {Isar0, 28}, {Isar0, 32},   {Isar0, 36},
    {Isar0, 40}, {Isar0, 44},                 // RDM SHA3 SM3 SM4 DP
    {Isar0, 48}, {Isar0, 52},   {Isar0, 60},  // FHM TS RNDR
    {Isar1, 0},  {Isar1, 12},   {Isar1, 16},
    {Isar1, 20}, {Isar1, 32},  // DPB JSCVT FCMA LRCPC FRINTTS
    {Isar1, 36}, {Isar1, 40},   {Isar1, 44},
    {Isar1, 48}, {Isar1, 52},  // SB SPECRES BF16 DGH I8MM
    {Isar2, 0},  {Isar2, 4},   // WFxT RPRES
    {Mmfr0, 60},               // ECV
    {Mmfr1, 44},               // AFP
    {Mmfr2, 32},               // AT
};
// What hidden fields look like: "64-bit only", "granule not supported" (which is 0xf there, and 1
// in the three fields of stage 2).
constexpr uint64_t kHiddenBits[kRegisters] = {0x11, 0, 0, 0, 0, 0x111'ff00'0000, 0, 0};
constexpr uint64_t kDebugFeatures = 0x6;  // ID_AA64DFR0_EL1 of Armv8.0

struct Capability {
  const char* name;
  int8_t bit;           // of HWCAP, 64 and on: of HWCAP2
  Field field{};
  int8_t minimum = 1;
};
// uapi/asm/hwcap.h. Bits without a field here are constant (evtstrm, cpuid).
constexpr Capability kCapabilities[] = {
    {"fp", 0, kFpField, 0},
    {"asimd", 1, kAdvSimdField, 0},
    {"aes", 3, {Isar0, 4}, 1},
    {"pmull", 4, {Isar0, 4}, 2},
    {"sha1", 5, {Isar0, 8}, 1},
    {"sha2", 6, {Isar0, 12}, 1},
    {"crc32", 7, {Isar0, 16}, 1},
    {"atomics", 8, {Isar0, 20}, 2},
    {"fphp", 9, kFpField, 1},
    {"asimdhp", 10, kAdvSimdField, 1},
    {"asimdrdm", 12, {Isar0, 28}, 1},
    {"jscvt", 13, {Isar1, 12}, 1},
    {"fcma", 14, {Isar1, 16}, 1},
    {"lrcpc", 15, {Isar1, 20}, 1},
    {"dcpop", 16, {Isar1, 0}, 1},
    {"sha3", 17, {Isar0, 32}, 1},
    {"sm3", 18, {Isar0, 36}, 1},
    {"sm4", 19, {Isar0, 40}, 1},
    {"asimddp", 20, {Isar0, 44}, 1},
    {"sha512", 21, {Isar0, 12}, 2},
    {"asimdfhm", 23, {Isar0, 48}, 1},
    {"dit", 24, {Pfr0, 48}, 1},
    {"uscat", 25, {Mmfr2, 32}, 1},
    {"ilrcpc", 26, {Isar1, 20}, 2},
    {"flagm", 27, {Isar0, 52}, 1},
    {"ssbs", 28, {Pfr1, 4}, 2},
    {"sb", 29, {Isar1, 36}, 1},
    {"dcpodp", 64 + 0, {Isar1, 0}, 2},
    {"flagm2", 64 + 7, {Isar0, 52}, 2},
    {"frint", 64 + 8, {Isar1, 32}, 1},
    {"i8mm", 64 + 13, {Isar1, 52}, 1},
    {"bf16", 64 + 14, {Isar1, 44}, 1},
    {"dgh", 64 + 15, {Isar1, 48}, 1},
    {"rng", 64 + 16, {Isar0, 60}, 1},
    {"ecv", 64 + 19, {Mmfr0, 60}, 1},
    {"afp", 64 + 20, {Mmfr1, 44}, 1},
    {"rpres", 64 + 21, {Isar2, 4}, 1},
    {"wfxt", 64 + 31, {Isar2, 0}, 2},
    {"ebf16", 64 + 32, {Isar1, 44}, 2},
};
constexpr uint64_t kAlways = 1 << 2 | 1 << 11;  // evtstrm, cpuid: the kernel makes them
constexpr unsigned kEventStreamBit = 2;
constexpr unsigned kCpuidBit = 11;

// What all CPUs that have come up have in common.
constinit uint64_t common[kRegisters] = {};
constinit bool any_cpu = false;
constinit uint64_t capabilities[2] = {};  // AT_HWCAP and AT_HWCAP2, which say the same
PER_CPU(uint64_t, midr_of_cpu);

int value_of(const uint64_t (&registers)[kRegisters], Field wanted) {
  int value = static_cast<int>(field(registers[wanted.reg], wanted.shift));
  return wanted.is_signed && value >= 8 ? value - 16 : value;
}

void read_registers(uint64_t (&registers)[kRegisters]) {
  registers[Pfr0] = READ_SYSREG(id_aa64pfr0_el1);
  registers[Pfr1] = READ_SYSREG(id_aa64pfr1_el1);
  registers[Isar0] = READ_SYSREG(id_aa64isar0_el1);
  registers[Isar1] = READ_SYSREG(id_aa64isar1_el1);
  registers[Isar2] = READ_SYSREG(SYS_ID_AA64ISAR2_EL1);
  registers[Mmfr0] = READ_SYSREG(id_aa64mmfr0_el1);
  registers[Mmfr1] = READ_SYSREG(id_aa64mmfr1_el1);
  registers[Mmfr2] = READ_SYSREG(SYS_ID_AA64MMFR2_EL1);
}

uint64_t capability_bits(int first_bit) {
  uint64_t bits = 0;
  for (const Capability& capability : kCapabilities) {
    if (capability.bit < first_bit || capability.bit >= first_bit + 64) continue;
    if (value_of(common, capability.field) >= capability.minimum)
      bits |= uint64_t{1} << (capability.bit - first_bit);
  }
  return bits;
}

uint64_t visible_value(Register which) {
  uint64_t value = kHiddenBits[which];
  for (Field visible : kVisible) {
    if (visible.reg == which) value |= field(common[which], visible.shift) << visible.shift;
  }
  return value;
}

struct Processor {
  uint16_t part;
  const char* name;
};
// Arm's own (implementer 0x41), by part number.
constexpr Processor kArmProcessors[] = {
    {0xd03, "Cortex-A53"}, {0xd04, "Cortex-A35"}, {0xd05, "Cortex-A55"}, {0xd07, "Cortex-A57"},
    {0xd08, "Cortex-A72"}, {0xd09, "Cortex-A73"}, {0xd0a, "Cortex-A75"}, {0xd0b, "Cortex-A76"},
    {0xd0c, "Neoverse-N1"}, {0xd40, "Neoverse-V1"}, {0xd49, "Neoverse-N2"}, {0xd4f, "Neoverse-V2"},
};
constexpr unsigned kImplementerArm = 0x41;
constexpr unsigned kImplementerNone = 0;  // QEMU's "max"

}  // namespace

void detect_features() {
  uint64_t mine[kRegisters];
  read_registers(mine);
  if (!any_cpu) {
    for (size_t i = 0; i < kRegisters; ++i) common[i] = mine[i];
    any_cpu = true;
  }
  for (Field visible : kVisible) {
    if (value_of(mine, visible) >= value_of(common, visible)) continue;
    common[visible.reg] &= ~(uint64_t{0xf} << visible.shift);
    common[visible.reg] |= field(mine[visible.reg], visible.shift) << visible.shift;
  }
  capabilities[0] = capability_bits(0) | kAlways;
  capabilities[1] = capability_bits(64);
  midr_of_cpu.mine() = READ_SYSREG(midr_el1);
}

uint64_t hwcap() { return capabilities[0]; }
uint64_t hwcap2() { return capabilities[1]; }

StringView hwcap_name(unsigned index) {
  if (index == kEventStreamBit) return "evtstrm";
  if (index == kCpuidBit) return "cpuid";
  for (const Capability& capability : kCapabilities) {
    if (static_cast<unsigned>(capability.bit) == index) return capability.name;
  }
  return {};
}

StringView processor_name() {
  uint64_t midr = processor_id();
  uint64_t implementer = field(midr, 24, 8), part = field(midr, 4, 12);
  if (implementer == kImplementerNone) return "emulated, all features";
  for (const Processor& processor : kArmProcessors) {
    if (implementer == kImplementerArm && processor.part == part) return processor.name;
  }
  return "unknown";
}

uint64_t processor_id() { return READ_SYSREG(midr_el1); }
uint64_t processor_id(unsigned cpu) { return midr_of_cpu.on(cpu); }

std::optional<uint64_t> emulated_id_register(uint32_t which) {
  // MPIDR says "one CPU, no topology"; REVIDR nothing: as on Linux.
  constexpr uint64_t kSafeMpidr = 1u << 31;
  switch (which) {
    case system_register(3, 0, 0, 0, 0): return processor_id();
    case system_register(3, 0, 0, 0, 5): return kSafeMpidr;
    case system_register(3, 0, 0, 0, 6): return 0;
    case system_register(3, 0, 0, 4, 0): return visible_value(Pfr0);
    case system_register(3, 0, 0, 4, 1): return visible_value(Pfr1);
    case system_register(3, 0, 0, 5, 0): return kDebugFeatures;
    case system_register(3, 0, 0, 6, 0): return visible_value(Isar0);
    case system_register(3, 0, 0, 6, 1): return visible_value(Isar1);
    case system_register(3, 0, 0, 6, 2): return visible_value(Isar2);
    case system_register(3, 0, 0, 7, 0): return visible_value(Mmfr0);
    case system_register(3, 0, 0, 7, 1): return visible_value(Mmfr1);
    case system_register(3, 0, 0, 7, 2): return visible_value(Mmfr2);
  }
  unsigned group = which >> 3 & 0xf;
  bool in_id_space = which >> 7 == system_register(3, 0, 0, 0, 0) >> 7;
  // Registers of the space that say nothing to user programs read as zero.
  if (in_id_space && group >= 2 && group <= 7) return 0;
  return std::nullopt;
}

}  // namespace kernel::arch
