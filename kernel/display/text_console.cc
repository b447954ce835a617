// SPDX-License-Identifier: MIT
// See text_console.h. Writers, of the log and of programs, change cells. A thread draws what has
// changed, at most once in a while, so that neither waits for pixels and fast output is not drawn
// line by line. It takes the lock, a mutex, row by row: interrupts are never masked here.
// A panic draws at once and takes no lock, since the other CPUs stand still.

#include "display/text_console.h"

#include "dev/console_words.h"
#include "dev/framebuffer.h"
#include "dev/serial_port.h"
#include "display/emulator.h"
#include "display/painter.h"
#include "lib/log.h"
#include "sched/mutex.h"
#include "sched/wait_queue.h"

namespace kernel::display {
namespace {

constexpr uint32_t kMajor = 4;  // virtual terminals
constexpr Nanoseconds kRest = kNanosPerSecond / 60;

class TextConsole final : public LogConsole, public SerialPort {
 public:
  static Result<> start(const Framebuffer& screen);
  TextConsole(Emulator emulator, Painter painter)
      : emulator_(std::move(emulator)), painter_(std::move(painter)) {
    name = "tty1";
    alias = "tty0";
    major = kMajor;
    minor = 1;
    alias_minor = 0;
    rows = static_cast<uint16_t>(painter_.rows());
    columns = static_cast<uint16_t>(painter_.columns());
  }

  void write(StringView text) override;  // the log
  void attach(SerialClient& client) override { client_.store_release(&client); }
  void start_output() override;
  void finish_output() override { paint(); }

 private:
  static void run(void* self) { static_cast<TextConsole*>(self)->paint_forever(); }
  [[noreturn]] void paint_forever();
  void paint();
  void paint_row_locked(unsigned row) REQUIRES(lock_);
  void write_in_panic(StringView text);
  // In a panic: the other CPUs have stopped, wherever they were.
  void own_everything() ASSERT_CAPABILITY(lock_) {}
  void announce();

  Mutex<LockRank::DriverThread> lock_;
  Emulator emulator_ GUARDED_BY(lock_);
  Painter painter_ GUARDED_BY(lock_);
  Atomic<bool> changed_;
  WaitQueue painter_queue_;
  Atomic<SerialClient*> client_;
  bool recovered_ = false;  // panic only
};

Result<> TextConsole::start(const Framebuffer& screen) {
  Painter painter = TRY(Painter::create(screen, console_font));
  if (painter.columns() == 0 || painter.rows() == 0) return Errno::Inval;
  Emulator emulator = TRY(Emulator::create(painter.columns(), painter.rows()));
  Owned<TextConsole> console =
      TRY(make_owned<TextConsole>(std::move(emulator), std::move(painter)));
  Ref<Thread> thread = TRY(Thread::create_kernel("display", run, console.get()));
  thread->start();
  std::move(thread).leak();  // both stay for good
  TextConsole& kept = *std::move(console).leak();
  log_info("display: {}, {} columns, {} rows", kept.name, kept.columns, kept.rows);
  bool is_named = console_word(kept.name) != 0 || console_word(kept.alias) != 0;
  if (is_named || !has_console_words()) log_add_console(kept);
  return register_serial_port(kept);
}

void TextConsole::announce() {
  changed_.store_release(true);
  painter_queue_.wake();
}

// Called in a thread, that of the log mostly; but for a panic.
void TextConsole::write(StringView text) {
  if (log_in_panic()) return write_in_panic(text);
  {
    Guard guard(lock_);
    emulator_.write_plain(text);
  }
  announce();
}

void TextConsole::start_output() {
  SerialClient* client = client_.load_acquire();
  if (client == nullptr) return;
  uint8_t reply[64];
  size_t reply_size;
  {
    // Taken and written under one lock: the order of the bytes is that of the terminal.
    Guard guard(lock_);
    uint8_t bytes[256];
    while (size_t count = client->take_output(bytes))
      emulator_.write(std::span(bytes).first(count));
    reply_size = emulator_.take_reply(reply);
  }
  announce();
  if (reply_size > 0) client->received(std::span(reply).first(reply_size));
}

void TextConsole::paint_forever() {
  for (;;) {
    ignore(painter_queue_.wait([this] { return changed_.load_acquire(); }));
    paint();
    sched::sleep_until(Deadline::after(kRest));
  }
}

void TextConsole::paint() {
  changed_.store_seq_cst(false);
  for (unsigned row = 0; row < rows; ++row) {
    Guard guard(lock_);
    paint_row_locked(row);
  }
}

void TextConsole::paint_row_locked(unsigned row) {
  if (!emulator_.grid().take_changed(row)) return;
  Emulator::Cursor cursor = emulator_.cursor();
  std::span<const Cell> cells = emulator_.grid().row(row);
  for (unsigned column = 0; column < columns; ++column) {
    Cell cell = cells[column];
    cell.cursor = cursor.visible && cursor.row == row && cursor.column == column;
    painter_.paint(row, column, cell);
  }
}

void TextConsole::write_in_panic(StringView text) {
  own_everything();
  if (!std::exchange(recovered_, true)) emulator_.recover();
  emulator_.write_plain(text);
  if (!text.ends_with("\n")) return;
  for (unsigned row = 0; row < rows; ++row) paint_row_locked(row);
}

constinit Atomic<bool> taken;

// Never an error of the driver's: without a console the display still shows what others draw.
Result<> add_screen(Framebuffer& screen) {
  if (taken.exchange_acq_rel(true)) return {};  // one console; others stay black
  if (Result<> started = TextConsole::start(screen); !started.ok())
    log_warning("display: no console on {}x{}, error {}", screen.width, screen.height,
                started.error());
  return {};
}

}  // namespace

Result<> init() { return set_framebuffer_sink(add_screen); }

}  // namespace kernel::display
