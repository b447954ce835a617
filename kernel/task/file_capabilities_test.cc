// SPDX-License-Identifier: MIT
// Host tests of the attribute security.capability: revisions, sizes, namespaces.

#include "task/file_capabilities.h"

#include <gtest/gtest.h>

namespace kernel {
namespace {

template <size_t count>
StringView bytes(const uint32_t (&words)[count]) {
  return {reinterpret_cast<const char*>(words), sizeof words};
}

TEST(FileCapabilities, EveryRevisionIsRead) {
  const uint32_t first[] = {0x01000001, 3, 4};
  auto found = FileCapabilities::parse(bytes(first));
  ASSERT_TRUE(found.ok() && found->has_value());
  EXPECT_EQ((*found)->permitted, 3u);
  EXPECT_EQ((*found)->inheritable, 4u);
  EXPECT_TRUE((*found)->effective);
  const uint32_t second[] = {0x02000000, 1, 2, 0x100, ~0u};
  auto wide = FileCapabilities::parse(bytes(second));
  ASSERT_TRUE(wide.ok() && wide->has_value());
  EXPECT_EQ((*wide)->permitted, uint64_t{0x100} << 32 | 1);
  EXPECT_EQ((*wide)->inheritable, uint64_t{0x1ff} << 32 | 2);  // of the known ones
  EXPECT_FALSE((*wide)->effective);
}

TEST(FileCapabilities, AnotherNamespaceGivesNothing) {
  const uint32_t theirs[] = {0x03000000, 1, 2, 0, 0, 1000};
  auto found = FileCapabilities::parse(bytes(theirs));
  EXPECT_TRUE(found.ok() && !found->has_value());
  EXPECT_EQ(checked_file_capabilities(bytes(theirs))->size(), sizeof theirs);
  const uint32_t roots[] = {0x03000001, 1, 2, 3, 4, 0};
  String kept = std::move(checked_file_capabilities(bytes(roots))).take();
  const uint32_t expected[] = {0x02000001, 1, 2, 3, 4};
  EXPECT_TRUE(kept.view() == bytes(expected));
}

TEST(FileCapabilities, SizesMustFit) {
  const uint32_t words[] = {0x02000000, 1, 2, 3, 4, 0};
  EXPECT_TRUE(FileCapabilities::parse(bytes(words)).failed_with(Errno::Inval));
  EXPECT_TRUE(FileCapabilities::parse("").failed_with(Errno::Inval));
  EXPECT_TRUE(FileCapabilities::parse("abc").failed_with(Errno::Inval));
  const uint32_t first[] = {0x01000000, 1, 2};
  EXPECT_TRUE(checked_file_capabilities(bytes(first)).failed_with(Errno::Inval));
}

}  // namespace
}  // namespace kernel
