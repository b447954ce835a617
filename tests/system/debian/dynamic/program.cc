// SPDX-License-Identifier: MIT
// What the dynamic linker and the C++ run time need of a kernel: the auxiliary vector, the vDSO,
// PIE, dlopen with thread-local variables, IFUNC, exceptions, and unwinding out of a signal
// handler and of a cancelled thread.

#include <csignal>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <unistd.h>

namespace {

void show_auxiliary_vector() {
  std::printf("hwcap %lx %lx, platform %s, page %lu, secure %lu, clock %lu\n",
              getauxval(AT_HWCAP), getauxval(AT_HWCAP2),
              reinterpret_cast<const char*>(getauxval(AT_PLATFORM)), getauxval(AT_PAGESZ),
              getauxval(AT_SECURE), getauxval(AT_CLKTCK));
  std::printf("program %s, linker loaded %d, entry in the program %d, minsigstksz %lu\n",
              reinterpret_cast<const char*>(getauxval(AT_EXECFN)), getauxval(AT_BASE) != 0,
              getauxval(AT_ENTRY) - getauxval(AT_PHDR) < (1 << 20), getauxval(AT_MINSIGSTKSZ));
}

void show_id_registers() {
  unsigned long isar0, isar1, pfr0, pfr1, mmfr0, midr, dfr0, ctr, dczid;
  asm("mrs %0, ID_AA64ISAR0_EL1" : "=r"(isar0));
  asm("mrs %0, ID_AA64ISAR1_EL1" : "=r"(isar1));
  asm("mrs %0, ID_AA64PFR0_EL1" : "=r"(pfr0));
  asm("mrs %0, ID_AA64PFR1_EL1" : "=r"(pfr1));
  asm("mrs %0, ID_AA64MMFR0_EL1" : "=r"(mmfr0));
  asm("mrs %0, ID_AA64DFR0_EL1" : "=r"(dfr0));
  asm("mrs %0, MIDR_EL1" : "=r"(midr));
  asm("mrs %0, CTR_EL0" : "=r"(ctr));
  asm("mrs %0, DCZID_EL0" : "=r"(dczid));
  std::printf("isar %lx %lx, pfr %lx %lx, mmfr %lx, dfr %lx, midr %lx, ctr %lx, dczid %lx\n",
              isar0, isar1, pfr0, pfr1, mmfr0, dfr0, midr, ctr, dczid);
}

int show_object(dl_phdr_info* info, size_t, void* program) {
  const char* name = std::strrchr(info->dlpi_name, '/');
  bool first = program != nullptr && *static_cast<bool*>(program);
  std::printf("object %s\n", name != nullptr ? name + 1 : first ? "(program)" : info->dlpi_name);
  *static_cast<bool*>(program) = false;
  return 0;
}

void show_vdso() {
  void* vdso = dlopen("linux-vdso.so.1", RTLD_LAZY | RTLD_NOLOAD);
  std::printf("vdso loaded %d, header %d\n", vdso != nullptr,
              std::memcmp(reinterpret_cast<void*>(getauxval(AT_SYSINFO_EHDR)), ELFMAG, SELFMAG));
  for (const char* name : {"__kernel_clock_gettime", "__kernel_gettimeofday",
                           "__kernel_clock_getres", "__kernel_rt_sigreturn"}) {
    std::printf("%s %d\n", name, vdso != nullptr && dlvsym(vdso, name, "LINUX_2.6.39") != nullptr);
  }
}

void load_library(const char* path) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    std::puts(dlerror());
    return;
  }
  auto bump = reinterpret_cast<int (*)()>(dlsym(library, "bump"));
  auto use_picked = reinterpret_cast<int (*)(int)>(dlsym(library, "use_picked"));
  auto fail = reinterpret_cast<void (*)()>(dlsym(library, "fail"));
  std::printf("main %d %d, picked %d\n", bump(), bump(), use_picked(6));
  for (int i = 0; i < 3; ++i) {
    std::thread([bump] { std::printf("thread %d %d\n", bump(), bump()); }).join();
  }
  try {
    fail();
  } catch (const std::exception& caught) {
    std::printf("caught: %s\n", caught.what());
  }
  std::printf("no symbol: %d\n", dlsym(library, "nothing") == nullptr);
  dlclose(library);
}

// -fnon-call-exceptions: the unwinder goes through the signal frame by the vDSO's CFI.
void throw_from_signal(int) { throw std::runtime_error("from a signal handler"); }

void unwind_signal_frame() {
  std::signal(SIGSEGV, throw_from_signal);
  volatile int* nowhere = nullptr;
  try {
    *nowhere = 1;
  } catch (const std::exception& caught) {
    std::printf("caught: %s\n", caught.what());
  }
}

void cancel_a_thread() {
  struct Cleanup {
    ~Cleanup() { std::puts("unwound by cancellation"); }
  };
  pthread_t thread;
  pthread_create(&thread, nullptr, [](void*) -> void* {
    Cleanup cleanup;
    for (;;) pause();
  }, nullptr);
  usleep(50000);
  pthread_cancel(thread);
  void* result;
  pthread_join(thread, &result);
  std::printf("cancelled %d\n", result == PTHREAD_CANCELED);
}

}  // namespace

int main(int, char** arguments) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  show_auxiliary_vector();
  show_id_registers();
  bool first = true;
  dl_iterate_phdr(show_object, &first);
  show_vdso();
  load_library(arguments[1]);
  unwind_signal_frame();
  cancel_a_thread();
}
