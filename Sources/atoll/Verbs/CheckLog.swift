import APISchema
import ArgumentParser
import Foundation
import Storage

/// `atoll check log`: the write-ahead log of a node that does not run.
struct CheckLog: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Read the write-ahead log as a start does; --repair mends what can be mended without a guess.",
        discussion: """
            --repair cuts a torn tail, removes unfinished segments and writes a segment's header anew where its batches prove it. A batch that \
            is destroyed before the tail stays: what this node has promised may be in it, and only another node can take its place.
            """)
    @Argument(help: "A node's directory (atoll-data/nodes/NAME), its data directory, or the log's (…/data/log).") var directory: String
    @Flag(help: "Mend what can be mended.") var repair = false
    @OptionGroup var output: OutputOptions

    private static let operation = "check log"

    func run() async throws {
        let directory = try CheckedDirectory.find(directory, part: "log", Self.operation) { path in
            ((try? LocalFiles.names(path, Self.operation)) ?? []).contains { $0.hasSuffix(".wal") }
        }
        var done: [String] = []
        let result: LogCheckResult
        do {
            if repair {
                (done, result) = try LogCheck.repair(
                    directory, identity: try DataDirectory.readIdentity((directory as NSString).deletingLastPathComponent))
            } else {
                result = try LogCheck.run(directory)
            }
        } catch {
            throw CommandFailure(Self.operation, directory, "\(error)")
        }
        if output.json {
            Show.json { writer in
                writer.object {
                    $0.field("segments", result.segments)
                    $0.field("batches", result.batches)
                    $0.field("entries", result.entries)
                    $0.field("groups", result.groups.count)
                    $0.field("torn_tail", result.hasTornTail)
                    $0.field("findings", strings: result.findings.map { "\($0)" })
                    $0.field("repaired", strings: done)
                }
            }
        } else {
            show(result, done)
        }
        guard result.isSound else { throw refusal(directory, result) }
    }

    private func show(_ result: LogCheckResult, _ done: [String]) {
        for text in done { Terminal.line(Terminal.escaped(text)) }
        Terminal.line(
            "\(result.segments) segments, \(result.batches) batches, \(result.entries) entries of \(result.groups.count) groups.")
        if result.hasTornTail { Terminal.line("The tail is torn, as after a crash; the next start cuts it, and so does --repair.") }
        for finding in result.findings { Terminal.line(Terminal.escaped("\(finding)")) }
        Terminal.line(result.isSound ? done.isEmpty ? "Sound." : "Repaired." : "Damaged.")
    }

    /// What is destroyed is not dropped: the node may have promised it.
    private func refusal(_ directory: String, _ result: LogCheckResult) -> CommandFailure {
        guard repair else {
            return CommandFailure(
                Self.operation, directory, "\(result.findings.count) findings",
                hint: "--repair mends what can be mended, or says what to do")
        }
        let finding = result.findings.first.map { "\($0)" } ?? ""
        var hint = """
            nothing of it was dropped, since this node's votes and acknowledgements may be in it; while the other nodes run, \
            `atoll node remove NODE --force` and a node under a new number take its place, and are filled from theirs
            """
        if let cluster = ClusterDirectory(around: directory), let file = try? ClusterFile.read(cluster, Self.operation),
            let node = file.nodes.first(where: { directory.contains("/nodes/\($0.name)/") })
        {
            let number = file.regions.map { region in file.nodes.count { $0.region == region } }.max() ?? 1
            hint = """
                nothing of it was dropped, since this node's votes and acknowledgements may be in it; while the other nodes run, \
                `atoll node remove \(node.name) --force`, then `atoll up --regions \(file.regions.joined(separator: ",")) \
                --nodes-per-region \(number)` puts a new node in its place, which they fill
                """
        }
        return CommandFailure(Self.operation, directory, "it can not be mended here: \(finding)", hint: hint)
    }
}
