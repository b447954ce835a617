// SPDX-License-Identifier: MIT
// See exec_program.h.

#include "process/exec_program.h"

#include "process/script.h"
#include "vm/address_space.h"

namespace kernel {
namespace {

constexpr unsigned kMaxScriptDepth = 5;
constexpr size_t kPathMax = 4096;

Result<Ref<File>> open_by_name(StringView name) {
  return vfs::open_executable({}, name, vfs::LookupFlags::Follow);
}

// argv becomes: interpreter, its argument, the script's name, the script's arguments from the
// second on.
Result<> put_interpreter_in_front(ExecStrings& strings, const ScriptLine& script,
                                  StringView script_name) {
  strings.block.drop_first();
  --strings.argument_count;
  TRY(strings.block.prepend(script_name));
  ++strings.argument_count;
  if (script.argument) {
    TRY(strings.block.prepend(*script.argument));
    ++strings.argument_count;
  }
  TRY(strings.block.prepend(script.interpreter));
  ++strings.argument_count;
  return {};
}

Result<elf::Image> read_image(File& file, std::span<const uint8_t> head) {
  elf::Header header = TRY(elf::parse_header(head));
  Vector<uint8_t> table;
  TRY(table.resize(header.table_size));
  Result<size_t> got = vfs::read_kernel(file, table.data(), table.size(), header.table_offset);
  if (!got.ok() || *got != table.size()) return Errno::NoExec;
  return elf::parse_segments(header, table.span());
}

Result<ElfInterpreter> open_interpreter(File& program, const elf::Segment& named) {
  if (named.file_size > kPathMax || named.file_size < 2) return Errno::NoExec;
  char path[kExecHeadSize];
  Vector<char> longer;
  char* name = path;
  if (named.file_size > sizeof path) {
    TRY(longer.resize(named.file_size));
    name = longer.data();
  }
  size_t got = TRY(vfs::read_kernel(program, name, named.file_size, named.offset));
  if (got != named.file_size) return Errno::Io;
  if (name[named.file_size - 1] != '\0') return Errno::NoExec;
  Ref<File> file = TRY(open_by_name(StringView(name)));
  uint8_t head[elf::kHeaderSize];
  if (TRY(vfs::read_kernel(*file, head, sizeof head, 0)) != sizeof head) return Errno::Io;
  Result<elf::Image> image = read_image(*file, head);
  if (image.failed_with(Errno::NoExec)) return Errno::LibBad;
  if (!image.ok()) return image.error();
  return ElfInterpreter{std::move(file), std::move(image).take()};
}

Result<ExecProgram> open_elf(Ref<File> file, std::span<const uint8_t> head) {
  elf::Image image = TRY(read_image(*file, head));
  if (!file->memory_object(kProtRead | kProtExec, false).ok())
    return Errno::NoExec;  // it cannot be mapped
  ExecProgram program{std::move(file), std::move(image), std::nullopt};
  if (program.image.interpreter)
    program.interpreter = TRY(open_interpreter(*program.file, *program.image.interpreter));
  return program;
}

}  // namespace

Result<ExecProgram> find_program(const ExecFile& wanted, ExecStrings& strings) {
  Ref<File> file = TRY(vfs::open_executable(wanted.start, wanted.path, wanted.flags));
  String script_name = TRY(String::create(wanted.name));
  for (unsigned depth = 0; depth <= kMaxScriptDepth; ++depth) {
    char head[kExecHeadSize] = {};
    size_t size = TRY(vfs::read_kernel(*file, head, sizeof head, 0));
    Result<ScriptLine> script = parse_script({head, sizeof head});
    if (!script.ok()) return open_elf(std::move(file), {reinterpret_cast<uint8_t*>(head), size});
    if (wanted.name_is_unreachable && depth == 0) return Errno::NoEnt;
    TRY(put_interpreter_in_front(strings, *script, script_name));
    script_name = TRY(String::create(script->interpreter));
    file = TRY(open_by_name(script_name));
  }
  return Errno::Loop;
}

}  // namespace kernel
