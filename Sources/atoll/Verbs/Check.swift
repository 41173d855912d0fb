import APISchema
import ArgumentParser
import Primitives
import Storage

/// `atoll check …`: verifies what is on disk, of a node that does not run.
struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Verify the files of a node that is not running.", subcommands: [CheckStore.self, CheckLog.self])
}

struct CheckStore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store", abstract: "Read and hash every chunk; --repair rebuilds the index and cuts torn tails.")
    @Argument(help: "The chunk store's directory.") var directory: String
    @Flag(help: "Rebuild the index from the sound chunks.") var repair = false
    @OptionGroup var output: OutputOptions
    func run() async throws {
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
                }
            }
        } else {
            Terminal.line(
                "\(result.packs) packs, \(result.frames) sound frames, \(Show.bytes(result.bytes)), \(result.indexedChunks) chunks indexed."
            )
            for finding in result.findings { Terminal.line(Terminal.escaped("\(finding)")) }
            for chunk in result.lostChunks { Terminal.line("lost: \(chunk.hex)") }
            Terminal.line(result.wasRepaired ? "Repaired." : result.isSound ? "Sound." : "Damaged.")
        }
        if !result.isSound, !result.wasRepaired {
            throw CommandFailure(
                "check store", directory, "\(result.findings.count) findings",
                hint: repair ? "" : "--repair rebuilds the index; lost chunks come back from other nodes")
        }
    }
}

struct CheckLog: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Read the write-ahead log as a start does, and change nothing.")
    @Argument(help: "The log's directory.") var directory: String
    @OptionGroup var output: OutputOptions
    func run() async throws {
        let result: LogCheckResult
        do {
            result = try LogCheck.run(directory)
        } catch {
            throw CommandFailure("check log", directory, "\(error)")
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
                }
            }
        } else {
            Terminal.line(
                "\(result.segments) segments, \(result.batches) batches, \(result.entries) entries of \(result.groups.count) groups.")
            if result.hasTornTail { Terminal.line("The tail is torn, as after a crash; the next start cuts it.") }
            for finding in result.findings { Terminal.line(Terminal.escaped("\(finding)")) }
            Terminal.line(result.isSound ? "Sound." : "Damaged.")
        }
        guard result.isSound else {
            throw CommandFailure(
                "check log", directory, "\(result.findings.count) findings",
                hint: "what is lost can come back from the group's other members only: remove the node's directory and let it join anew")
        }
    }
}
