import APISchema
import ArgumentParser
import Namespace
import Primitives

/// `atoll bench namespace`: what the state machine of one file system does alone, without log, network or disk.
struct BenchNamespace: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "namespace", abstract: "Measure the state machine of one file system alone, on one core.",
        discussion: """
            A tree of --files files, a hundred in a directory, is made, and each file is then written, renamed and removed: one command of the \
            log each, as a replica applies it. Before the removal the digest of the whole tree is computed anew after one change. Figures are \
            medians of five rounds with the lowest and the highest.
            """)

    @Option(help: "Files of the tree, 1,000 to 10,000,000.") var files = 100_000
    @OptionGroup var output: OutputOptions

    private static let rounds = 5
    private static let perDirectory = 100

    func validate() throws {
        guard (1_000...10_000_000).contains(files) else { throw ValidationError("--files must be 1000 to 10000000") }
    }

    private struct Figure: JSONEncodable {
        let name: String
        /// Commands per second, of the clock.
        let rate: Spread

        func write(to writer: inout JSONWriter) {
            writer.object {
                $0.field("command", name)
                $0.field("per_s", rate)
            }
        }
    }

    func run() async throws {
        let others = OtherWork()
        let rounds = try await Interruptible.run("bench namespace") { [files] stop in
            try await Interruptible.thread { try (0..<Self.rounds).map { _ in try Self.round(files, stop) } }
        }
        let figures = rounds[0].commands.indices.map { place in
            Figure(name: rounds[0].commands[place].name, rate: Spread(rounds.map { $0.commands[place].perSecond }))
        }
        let digest = Spread(rounds.map { $0.digestMilliseconds })
        let busy = others.cores()
        if let note = OtherWork.note(busy) { Terminal.error(note) }
        if output.json {
            return Show.json { writer in
                writer.object {
                    $0.field("build", Bench.build)
                    $0.field("machine", Machine.processor)
                    $0.field("files", files)
                    $0.field("commands", figures)
                    $0.field("digest_ms", digest)
                    $0.field("cores_used_by_others", busy)
                }
            }
        }
        if let note = Bench.buildNote { Terminal.error(note) }
        Terminal.line("\(Machine.processor). \(files) files; median of \(Self.rounds) rounds (lowest–highest).")
        var table = Table("Command", ">Per second")
        for figure in figures { table.add(figure.name, figure.rate.text) }
        table.show()
        Terminal.line("Digest of the whole after one change: \(digest.precise) ms.")
    }

    private struct Round: Sendable {
        var commands: [(name: String, perSecond: Double)] = []
        var digestMilliseconds = 0.0
    }

    /// One file system from its making to its last file.
    private static func round(_ files: Int, _ stop: StopFlag) throws -> Round {
        var state = NamespaceState(settings: NamespaceSettings(salt: 7), time: WallTime(nanoseconds: 0))
        let context = CommandContext(time: WallTime(nanoseconds: 1_000_000_000))
        var round = Round()
        var directories: [InodeID] = []
        var made: [(inode: InodeID, entry: EntryName)] = []
        made.reserveCapacity(files)

        func apply(_ operation: NamespaceOperation) throws -> NamespaceReply {
            switch state.apply(operation, context: context) {
            case .success(let reply): return reply
            case .failure(let error): throw CommandFailure("bench namespace", "", "\(error)", hint: "this is a fault of the program")
            }
        }
        func measure(_ name: String, _ count: Int, _ body: (Int) throws -> Void) throws {
            let lap = try Lap.measure {
                for index in 0..<count {
                    if index % 1_024 == 0 { try stop.check() }
                    try body(index)
                }
            }
            round.commands.append((name, Double(count) / max(lap.wallSeconds, 1e-9)))
        }
        try measure("make a directory", (files + perDirectory - 1) / perDirectory) { index in
            let reply = try apply(.makeDirectory(parent: .root, name: Array("d\(index)".utf8), mode: 0o755))
            if let inode = reply.object?.id { directories.append(inode) }
        }
        try measure("create a file", files) { index in
            let entry = EntryName(directory: directories[index / perDirectory], name: Array("f\(index)".utf8))
            let reply = try apply(.createFile(parent: entry.directory, name: entry.name, mode: 0o644, how: .exclusive))
            if let inode = reply.object?.id { made.append((inode, entry)) }
        }
        let bytes = [UInt8](repeating: 7, count: 100)
        try measure("write 100 bytes", files) { _ = try apply(.writeInline(inode: made[$0].inode, write: InlineWrite(bytes))) }
        try measure("rename a file", files) { index in
            let to = EntryName(directory: made[index].entry.directory, name: Array("r\(index)".utf8))
            _ = try apply(.rename(from: made[index].entry, to: to, how: .noReplace))
            made[index].entry = to
        }
        _ = state.namespaceDigest
        _ = try apply(.writeInline(inode: made[files / 2].inode, write: InlineWrite([1])))
        round.digestMilliseconds = Lap.measure { _ = state.namespaceDigest }.wallSeconds * 1_000
        try measure("remove a file", files) { _ = try apply(.unlink(parent: made[$0].entry.directory, name: made[$0].entry.name)) }
        return round
    }
}
