import Foundation
import Router

/// Starts node processes. Each is the leader of a session of its own, so that Ctrl-C reaches `up`
/// alone, which then ends them in order. A node that must not outlive `up` is on a leash: its
/// standard input is a named pipe of the cluster's directory to which `up` holds the writing end.
/// When `up` is gone, however it went, the pipe ends and so does the node.
struct NodeLauncher: Sendable {
    struct Child: Sendable {
        var node: ClusterFile.Node
        var pid: pid_t
    }

    enum Leash {
        /// The nodes stay when this process ends.
        case none
        /// They end with this process, which runs as long as the cluster.
        case hold
        /// They end with the `up` that holds the leash now, if there is one.
        case join
    }

    let directory: ClusterDirectory
    let isLeashed: Bool
    /// Set where regions are network namespaces, before a node is started.
    var network: LiveNetwork?

    init(directory: ClusterDirectory, leash: Leash) throws {
        self.directory = directory
        Self.keepDescriptors()
        switch leash {
        case .none: isLeashed = false
        case .join:
            let holder = ReadyFile.read(directory.holder)?.process
            isLeashed = holder.map { $0.state != .gone } ?? false && LocalFiles.exists(directory.leash)
        case .hold:
            isLeashed = true
            unlink(directory.leash)
            guard mkfifo(directory.leash, 0o600) == 0 else { throw LocalFiles.failure("create", directory.leash) }
            // Nobody writes; that it is open is what counts, and it stays so until this process ends.
            guard open(directory.leash, O_RDWR | O_CLOEXEC) >= 0 else { throw LocalFiles.failure("open", directory.leash) }
            try ReadyFile(process: .current(), id: 0, endpoints: []).write(to: directory.holder)
        }
    }

    /// What is started gets none of the descriptors that this command was given by whoever called it: a caller
    /// that waits for one of them to be closed must not wait for it.
    static func keepDescriptors() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        for descriptor in names.compactMap({ Int32($0) }) where descriptor > STDERR_FILENO {
            let flags = fcntl(descriptor, F_GETFD)
            if flags >= 0 { _ = fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC) }
        }
    }

    func start(_ node: ClusterFile.Node) throws -> Child {
        unlink(directory.ready(node.name))
        var words = ["node", "--config", directory.configuration(node.name), "--ready-file", directory.ready(node.name)]
        if isLeashed { words.append("--end-with-input") }
        let namespace = try network?.namespace(node.region, "start \(node.name)")
        return Child(node: node, pid: try spawn(words, name: node.name, log: directory.log(node.name), namespace: namespace))
    }

    /// This program with other arguments, as a process that has nothing of this one but, where the leash
    /// is held, its end. A process is made in the network namespace of the thread that makes it.
    func spawn(_ words: [String], name: String, log: String, namespace: String?) throws -> pid_t {
        guard let namespace else { return try spawn(words, name: name, log: log) }
        do {
            return try NetworkNamespace.within(namespace) { try spawn(words, name: name, log: log) }
        } catch let error as RouterError {
            throw CommandFailure("start", name, error.description, hint: "see `atoll status`")
        }
    }

    private func spawn(_ words: [String], name: String, log: String) throws -> pid_t {
        do throws(SpawnFailure) {
            return try DetachedProcess.spawn(words, input: isLeashed ? directory.leash : "/dev/null", log: log)
        } catch {
            throw CommandFailure("start", name, error.words)
        }
    }

    /// Waits until all are ready; fails where one is not.
    func wait(for children: [Child], bound: Duration) async throws {
        if let failed = try await settle(children, bound: bound).first { throw failed.why }
    }

    /// Waits until each is ready or has ended, and shows how many are ready. One that ends instead is told with the
    /// last line of its log; one that is not ready within the bound is ended. The others are none the worse for it.
    func settle(_ children: [Child], bound: Duration) async throws -> [(child: Child, why: CommandFailure)] {
        let clock = ContinuousClock()
        let end = clock.now + bound
        var waiting = children
        var failed: [(child: Child, why: CommandFailure)] = []
        while !waiting.isEmpty {
            waiting.removeAll { child in
                var status: Int32 = 0
                guard waitpid(child.pid, &status, WNOHANG) == child.pid else { return false }
                failed.append((child, failure(child, status)))
                return true
            }
            waiting.removeAll { child in ReadyFile.read(directory.ready(child.node.name)).map { $0.process.pid == child.pid } ?? false }
            if Terminal.errorIsTerminal {
                let ready = children.count - waiting.count - failed.count
                Terminal.errorPart("\r\u{1b}[K\(ready) of \(children.count) nodes are ready")
            }
            if waiting.isEmpty { break }
            guard clock.now < end else {
                for child in waiting {
                    kill(child.pid, SIGKILL)
                    var status: Int32 = 0
                    waitpid(child.pid, &status, 0)
                    let why = CommandFailure(
                        "start", child.node.name, "not ready within \(bound.components.seconds) s; it was ended",
                        hint: "see \(directory.log(child.node.name))")
                    failed.append((child, why))
                }
                break
            }
            try await Task.sleep(for: .milliseconds(30))
        }
        if Terminal.errorIsTerminal { Terminal.errorPart("\r\u{1b}[K") }
        return failed
    }

    private func failure(_ child: Child, _ status: Int32) -> CommandFailure {
        if Terminal.errorIsTerminal { Terminal.errorPart("\r\u{1b}[K") }
        let lines = Self.lastLines(directory.log(child.node.name), 8)
        // The node's own last word is one line that begins with the program's name; without it, what came before may tell.
        let cause = lines.last.flatMap { line -> String? in
            guard line.hasPrefix("atoll: ") else { return nil }
            let own = line.dropFirst("atoll: ".count)
            let name = "start node \(child.node.name): "
            return String(own.hasPrefix(name) ? own.dropFirst(name.count) : own)
        }
        if cause == nil { for line in lines { Terminal.error("  \(child.node.name): \(Terminal.escaped(line))") } }
        return CommandFailure("start", child.node.name, cause ?? "it \(Self.words(status))", hint: "see \(directory.log(child.node.name))")
    }

    /// `ended with code 1`, `ended by signal 9`.
    static func words(_ status: Int32) -> String {
        let signal = status & 0x7f
        return signal == 0 ? "ended with code \((status >> 8) & 0xff)" : "ended by signal \(signal)"
    }

    static func lastLines(_ path: String, _ count: Int) -> [String] {
        guard let file = FileHandle(forReadingAtPath: path) else { return [] }
        defer { try? file.close() }
        let size = (try? file.seekToEnd()) ?? 0
        try? file.seek(toOffset: size - min(size, 16_384))
        let text = String(decoding: (try? file.readToEnd()) ?? Data(), as: UTF8.self)
        return text.split(separator: "\n").suffix(count).map(String.init)
    }
}
