import APISchema
import ArgumentParser
import Primitives
import Storage

/// Which directory is meant: people name a node's, or their cluster's.
enum CheckedDirectory {
    /// `path` itself where it holds `marker`; else `part` of the node's data below it.
    static func find(_ path: String, part: String, _ operation: String, holds marker: (String) -> Bool) throws -> String {
        let candidates = [path, "\(path)/\(part)", "\(path)/data/\(part)"]
        if let found = candidates.first(where: marker) { return found }
        guard LocalFiles.exists(path) else { throw CommandFailure(operation, path, "there is no such directory") }
        let nodes = nodes(path).filter { marker("\($0)/data/\(part)") }
        if nodes.count == 1 { return "\(nodes[0])/data/\(part)" }
        guard nodes.isEmpty else {
            throw CommandFailure(
                operation, path, "it is a cluster's, and this looks at one node", hint: "name one of \(nodes.joined(separator: ", "))")
        }
        throw CommandFailure(
            operation, path, "there is nothing to check here",
            hint: "name the directory of a node, such as atoll-data/nodes/NAME, or its data/\(part)")
    }

    /// The directories of a local cluster's nodes, by name; none where it is no cluster's.
    static func nodes(_ path: String) -> [String] {
        guard LocalFiles.exists("\(path)/nodes") else { return [] }
        return ((try? LocalFiles.names("\(path)/nodes", "check")) ?? []).sorted().prefix(1_000).map { "\(path)/nodes/\($0)" }
    }
}

/// `atoll check …`: verifies what is on disk, of a node that does not run.
struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Verify the files of a node that is not running.", subcommands: [CheckStore.self, CheckLog.self, CheckNamespace.self])
}

struct CheckStore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store", abstract: "Read and hash every chunk; --repair rebuilds the index and cuts torn tails.",
        discussion: "Exit code 1 where something is wrong; with --repair, where something is left that other nodes have to bring back.")
    @Argument(help: "A node's directory (atoll-data/nodes/NAME), its data directory, or the chunk store's (…/data/chunks).") var directory:
        String
    @Flag(help: "Rebuild the index from the sound chunks.") var repair = false
    @OptionGroup var output: OutputOptions
    func run() async throws {
        let directory = try CheckedDirectory.find(directory, part: "chunks", "check store") { LocalFiles.exists("\($0)/store.json") }
        let progress = Progress("check store", total: nil)
        var last: UInt64 = 0
        let result: StoreCheckResult
        do {
            result = try StoreCheck.run(directory, repair: repair) { done, _ in
                progress.add(Int(done - min(last, done)))
                last = done
            }
        } catch {
            throw CommandFailure("check store", directory, "\(error)")
        }
        progress.end()
        let isWhole = result.isSound && result.lostChunks.isEmpty
        if output.json {
            Show.json { writer in
                writer.object {
                    $0.field("packs", result.packs)
                    $0.field("frames", result.frames)
                    $0.field("bytes", result.bytes)
                    $0.field("indexed_chunks", result.indexedChunks)
                    $0.field("unindexed_chunks", result.unindexedChunks)
                    $0.field("findings", strings: result.findings.map { "\($0)" })
                    $0.field("lost_chunks", strings: result.lostChunks.map(\.hex))
                    $0.field("repaired", result.wasRepaired)
                    $0.field("cut_bytes", result.cutBytes)
                }
            }
        } else {
            Terminal.line(
                "\(result.packs) packs, \(result.frames) sound frames, \(Show.bytes(result.bytes)), \(result.indexedChunks) chunks indexed."
            )
            for finding in result.findings { Terminal.line(Terminal.escaped("\(finding)")) }
            for chunk in result.lostChunks { Terminal.line("lost: \(chunk.hex)") }
            if result.wasRepaired {
                let cut = result.cutBytes > 0 ? ", \(result.cutBytes) bytes of an append that was never finished are cut off" : ""
                Terminal.line("The index is rebuilt from the sound chunks\(cut).")
            }
            Terminal.line(isWhole ? result.wasRepaired ? "Repaired." : "Sound." : "Damaged.")
        }
        guard !isWhole else { return }
        let lost = result.lostChunks.isEmpty ? "" : ", \(result.lostChunks.count) lost chunks"
        throw CommandFailure(
            "check store", directory,
            "\(result.findings.count) \(result.findings.count == 1 ? "finding" : "findings")\(lost)\(repair ? " that can not be mended here" : "")",
            hint: repair
                ? "lost chunks come back from other nodes when the node runs"
                : "--repair rebuilds the index; lost chunks come back from other nodes"
        )
    }
}
