// SPDX-License-Identifier: MIT
// See pci.h.

#include "dev/pci.h"

#include "lib/log.h"
#include "sched/mutex.h"

extern "C" {
extern const kernel::PciDriver _pci_drivers_start[];
extern const kernel::PciDriver _pci_drivers_end[];
}

namespace kernel {
namespace {

constinit Mutex<LockRank::DriverThread> lock;
constinit List<PciFunction> functions GUARDED_BY(lock);

// --- Shared lines ----------------------------------------------------------------------

// Everybody on one INTx line. Clients stay for good: the hard handler walks them without a lock.
class SharedLine final : public InterruptHandler, public ListNode<SharedLine> {
 public:
  explicit SharedLine(Irq irq) : irq_(irq) {}
  Irq irq() const { return irq_; }

  Result<> add(InterruptHandler& handler) {
    Owned<Client> client = TRY(make_owned<Client>(handler, first_.load_relaxed()));
    first_.store_release(std::move(client).leak());
    return {};
  }
  Result<> install(InterruptController::Line line, StringView name) {
    Owned<IrqLine> installed =
        TRY(make_owned<IrqLine>(TRY(IrqLine::install(line, name, *this, /*threaded=*/true))));
    std::move(installed).leak();
    return {};
  }

  IrqReturn on_interrupt() override {
    IrqReturn result = IrqReturn::None;
    for (Client* client = first_.load_acquire(); client != nullptr; client = client->next) {
      IrqReturn own = client->handler.on_interrupt();
      if (own == IrqReturn::Wake) client->pending.store_release(true);
      if (own != IrqReturn::None && result != IrqReturn::Wake) result = own;
    }
    return result;
  }
  void run() override {
    for (Client* client = first_.load_acquire(); client != nullptr; client = client->next) {
      if (client->pending.exchange_acq_rel(false)) client->handler.run();
    }
  }

 private:
  struct Client {
    Client(InterruptHandler& own, Client* behind) : handler(own), next(behind) {}
    InterruptHandler& handler;
    Client* next;
    Atomic<bool> pending;
  };
  Irq irq_;
  Atomic<Client*> first_;
};

constinit List<SharedLine> shared_lines GUARDED_BY(lock);

SharedLine* find_shared_line(Irq irq) REQUIRES(lock) {
  for (SharedLine& line : shared_lines) {
    if (line.irq() == irq) return &line;
  }
  return nullptr;
}

const PciDriver* match(const PciFunction& function) {
  for (const PciDriver* driver = _pci_drivers_start; driver != _pci_drivers_end; ++driver) {
    if (driver->matches(function.vendor(), function.device())) return driver;
  }
  return nullptr;
}

void bind(PciFunction& function) {
  const PciDriver* driver = match(function);
  const PciAddress& at = function.address();
  if (driver == nullptr) {
    if (!function.is_bridge())
      log(LogLevel::Debug, "pci: no driver for {:04x}:{:02x}:{:02x}.{} ({:04x}:{:04x})", at.domain,
          at.bus, at.device, at.function, function.vendor(), function.device());
    return;
  }
  Result<> bound = driver->probe(function);
  if (bound.ok()) {
    function.driver = driver->name;
  } else if (!bound.failed_with(Errno::NoDev)) {
    log_warning("pci: {:04x}:{:02x}:{:02x}.{}: {} failed with error {}", at.domain, at.bus,
                at.device, at.function, driver->name, bound.error());
  }
}

}  // namespace

uint8_t PciFunction::find_capability(uint8_t id, uint8_t after) const {
  constexpr uint16_t kHasCapabilities = 1 << 4;
  constexpr unsigned kMost = 48;  // that fit: a list that is longer goes in circles
  if ((read<uint16_t>(pci::kStatus) & kHasCapabilities) == 0) return 0;
  uint8_t at = after == 0 ? read<uint8_t>(pci::kCapabilities) : read<uint8_t>(after + 1u);
  for (unsigned i = 0; i < kMost && (at & ~3) >= 0x40; ++i) {
    at = static_cast<uint8_t>(at & ~3);
    if (read<uint8_t>(at) == id) return at;
    at = read<uint8_t>(at + 1u);
  }
  return 0;
}

Result<> PciFunction::connect_intx(StringView name, InterruptHandler& handler) const {
  if (!line) return Errno::NoDev;
  Guard guard(lock);
  if (SharedLine* present = find_shared_line(line->irq)) return present->add(handler);
  Owned<SharedLine> made = TRY(make_owned<SharedLine>(line->irq));
  TRY(made->add(handler));
  TRY(made->install(*line, name));
  shared_lines.push_back(*std::move(made).leak());
  return {};
}

void pci::add(PciFunction& function) {
  Guard guard(lock);
  functions.push_back(function);
}

void pci::bind_added() {
  for (PciFunction* function = next(nullptr); function != nullptr; function = next(function)) {
    if (!std::exchange(function->bound, true)) bind(*function);
  }
}

PciFunction* pci::next(PciFunction* function) {
  Guard guard(lock);
  return function == nullptr ? functions.front() : functions.next(*function);
}

}  // namespace kernel
