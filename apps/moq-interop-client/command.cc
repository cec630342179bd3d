#include "moq-interop-client/command.h"

#include <sys/wait.h>

#include <cerrno>
#include <csignal>

#include <spawn.h>
#include <unistd.h>

namespace moq::interop {

namespace {

constexpr int kNotStarted = 127;

/// Waits for the end of `process`, and leaves it to be reaped: until then nobody else gets
/// its number.
int wait_for(pid_t process) {
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(process), &info, WEXITED | WNOWAIT) < 0) {
    if (errno != EINTR) return kNotStarted;
  }
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

}  // namespace

Command::Command(native::EventLoop& events, const std::string& text) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  std::string shell = "sh";
  std::string option = "-c";
  std::string script = text;
  char* const arguments[] = {shell.data(), option.data(), script.data(), nullptr};
  const int failed = posix_spawn(&process_, "/bin/sh", &files, &attributes, arguments, ::environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (failed != 0) {
    process_ = -1;
    *result_ = kNotStarted;
    return;
  }
  waiting_ = std::thread([&events, process = process_, result = result_] {
    const int status = wait_for(process);
    events.post([result, status] { *result = status; });
  });
}

Command::~Command() {
  if (process_ <= 0) return;
  if (!*result_) kill(-process_, SIGKILL);
  waiting_.join();
  while (waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace moq::interop
