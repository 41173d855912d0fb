import Foundation

/// A mount namespace of `atoll run`'s own, in which nobody else sees its mounts, and they end with it. Made by the program
/// unshare(1) of util-linux, which then becomes this program again: a process of many threads can not do it by itself.
enum RunNamespace {
    /// Set within it: the number of the process that serves the mounts.
    static let variable = "ATOLL_RUN"

    static var isInside: Bool { ProcessInfo.processInfo.environment[variable] == "\(getpid())" }

    /// Becomes this command again, in a namespace.
    static func enter() throws -> Never {
        var words = ["unshare", "--mount", "--propagation", "slave"]
        if geteuid() != 0 {
            // Capabilities to mount in a namespace of users; the command is who it was (user_namespaces(7)).
            words += ["--user", "--map-current-user", "--keep-caps"]
            try check(words)
        }
        setenv(variable, "\(getpid())", 1)
        let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        var list: [UnsafeMutablePointer<CChar>?] = (words + ["--", program] + CommandLine.arguments.dropFirst()).map { strdup($0) } + [nil]
        execvp(words[0], &list)
        throw CommandFailure(
            "run", words[0], String(cString: strerror(errno)), hint: "install the package util-linux, which has it")
    }

    private static func check(_ words: [String]) throws {
        guard let status = MountPoint.run(words + ["--", "true"]) else {
            throw CommandFailure("run", words[0], MountPoint.words, hint: "install the package util-linux, which has it")
        }
        guard status != 0 else { return }
        throw CommandFailure(
            "run", "--mount", "this machine gives users no namespaces of their own",
            hint: "run it as root (sudo), or allow them: sysctl kernel.unprivileged_userns_clone=1, "
                + "kernel.apparmor_restrict_unprivileged_userns=0, user.max_user_namespaces above 0")
    }
}
