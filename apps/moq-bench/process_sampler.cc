#include "moq-bench/process_sampler.h"

#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>

namespace moq::bench {

namespace {

std::string read(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The number behind `key` in a /proc/.../status.
std::uint64_t field(const std::string& status, const std::string& key) {
  const auto at = status.find("\n" + key + ":");
  if (at == std::string::npos) return 0;
  return std::strtoull(status.c_str() + at + key.size() + 2, nullptr, 10);
}

}  // namespace

std::optional<ProcessSample> ProcessSampler::sample() {
  const std::string folder = fmt::format("/proc/{}", pid_);
  const std::string stat = read(folder + "/stat");
  // The name in parentheses may hold anything.
  const auto name_end = stat.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream rest(stat.substr(name_end + 1));
  std::vector<std::string> fields;
  for (std::string each; rest >> each;) fields.push_back(each);
  // proc(5) counts from 1, and these begin with field 3.
  const auto number = [&](std::size_t n) -> std::uint64_t {
    return n - 3 < fields.size() ? std::strtoull(fields[n - 3].c_str(), nullptr, 10) : 0;
  };
  if (fields.empty() || fields[0] == "Z") return std::nullopt;
  if (started_.value_or(number(22)) != number(22)) return std::nullopt;
  started_ = number(22);

  ProcessSample sample;
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  sample.cpu_user = static_cast<double>(number(14)) / ticks;
  sample.cpu_system = static_cast<double>(number(15)) / ticks;
  sample.cpu = sample.cpu_user + sample.cpu_system;
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(pid_, &clock) == 0 && clock_gettime(clock, &time) == 0) {
    sample.cpu = static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  }
  sample.threads = number(20);
  sample.rss = number(24) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  count_switches(sample);
  return sample;
}

void ProcessSampler::count_switches(ProcessSample& sample) {
  std::map<pid_t, Switches> now;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid_), error)) {
    const std::string status = read(entry.path().string() + "/status");
    if (status.empty()) continue;
    now[static_cast<pid_t>(std::stol(entry.path().filename().string()))] = {
        field(status, "voluntary_ctxt_switches"), field(status, "nonvoluntary_ctxt_switches")};
  }
  for (const auto& [thread, before] : threads_) {
    const auto it = now.find(thread);
    // A thread that has ended, or whose number is another's now.
    if (it != now.end() && it->second.voluntary >= before.voluntary) continue;
    ended_.voluntary += before.voluntary;
    ended_.involuntary += before.involuntary;
  }
  threads_ = std::move(now);
  sample.voluntary_switches = ended_.voluntary;
  sample.involuntary_switches = ended_.involuntary;
  for (const auto& [thread, switches] : threads_) {
    sample.voluntary_switches += switches.voluntary;
    sample.involuntary_switches += switches.involuntary;
  }
}

}  // namespace moq::bench
