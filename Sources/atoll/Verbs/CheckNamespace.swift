import APISchema
import ArgumentParser
import Filesystem
import Namespace
import NodeCore
import NodeRuntime
import Primitives
import Replication

/// `atoll check namespace`: the file systems of nodes that do not run, rebuilt from their disks as a start
/// does, held against their own rules and against the chunks that lie there.
struct CheckNamespace: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "namespace", abstract: "Rebuild the file systems of nodes that do not run and verify trees, versions and content.",
        discussion: """
            Every chunk is read. A chunk that another node has is absent, which is no fault; one that this node should have is lost, \
            and comes back from the others when the node runs. It changes nothing; with --repair a group whose snapshot is destroyed is \
            filled from a running node of the cluster.
            """)
    @Argument(help: "A node's directory (atoll-data/nodes/NAME), its data directory, or a cluster's with all its nodes.") var directory:
        String
    @Flag(help: "Fill groups whose snapshot is destroyed from the cluster's other nodes, which must run.") var repair = false
    @OptionGroup var confirm: ConfirmOptions
    @OptionGroup var cluster: EndpointOptions
    @OptionGroup var output: OutputOptions

    static let operation = "check namespace"

    /// A file system on a node.
    private struct Row: JSONEncodable {
        var node: String
        var group: StoredMachines.Group
        var check: NamespaceCheck

        var id: String { group.machine.filesystem?.description ?? "" }
        var name: String { group.record?.name ?? "-" }

        func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("node", node)
                writer.field("filesystem", id)
                writer.field("kind", group.machine.filesystem?.kind.word)
                writer.field("name", group.record?.name)
                writer.field("applied", group.applied)
                writer.field("last_entry", group.last)
                writer.field("digest", group.machine.digest.hex)
                writer.field("files", check.statistics.files)
                writer.field("directories", check.statistics.directories)
                writer.field("versions", check.versions)
                writer.field("chunks", check.chunks)
                writer.field("absent", check.absentHere)
                writer.field("lost", check.lost)
                writer.field("faults", strings: check.faults)
                writer.key("absent_chunks")
                writer.array { writer in
                    for absent in check.absent {
                        writer.object {
                            $0.field("chunk", absent.chunk.hex)
                            $0.field("lost", absent.isLost)
                            $0.field("paths", strings: absent.paths)
                        }
                    }
                }
            }
        }
    }

    private struct Findings {
        var rows: [Row] = []
        /// What is wrong, in sentences.
        var wrong: [String] = []
        var nodes = 0
    }

    func run() async throws {
        var findings = Findings()
        var repaired: [String] = []
        let targets = try targets()
        if repair { for (name, path) in targets { repaired += try await fill(name, path) } }
        for (name, path) in targets { try look(name, path, &findings) }
        compare(&findings)
        if output.json {
            Show.json { writer in
                writer.object {
                    $0.field("nodes", findings.nodes)
                    $0.field("filesystems", findings.rows)
                    $0.field("findings", strings: findings.wrong)
                    $0.field("repaired", strings: repaired)
                }
            }
        } else {
            for text in repaired { Terminal.line(Terminal.escaped(text)) }
            show(findings)
        }
        guard findings.wrong.isEmpty else {
            throw CommandFailure(
                Self.operation, directory, "\(findings.wrong.count) findings",
                hint: "lost chunks come back from other nodes when the node runs; of a broken tree keep all data directories")
        }
    }

    /// Names and data directories.
    private func targets() throws -> [(String, String)] {
        func isData(_ path: String) -> Bool { LocalFiles.exists("\(path)/atoll.json") }
        if isData(directory) { return [(directory, directory)] }
        if isData("\(directory)/data") {
            return [(directory.split(separator: "/").last.map(String.init) ?? directory, "\(directory)/data")]
        }
        guard LocalFiles.exists(directory) else { throw CommandFailure(Self.operation, directory, "there is no such directory") }
        let nodes = CheckedDirectory.nodes(directory).filter { isData("\($0)/data") }
        guard !nodes.isEmpty else {
            throw CommandFailure(
                Self.operation, directory, "there is nothing to check here",
                hint: "name a cluster's directory, or that of a node, such as atoll-data/nodes/NAME")
        }
        return nodes.map { (String($0.split(separator: "/").last ?? ""), "\($0)/data") }
    }

    private func look(_ name: String, _ path: String, _ findings: inout Findings) throws {
        let node = try telling(path) { () throws(NodeStartError) in try StoppedNode(path) }
        defer { node.close() }
        let progress = Progress("\(Self.operation) \(name)", total: nil)
        var last: UInt64 = 0
        let sound = try telling(path) { () throws(NodeStartError) in
            try node.soundChunks { done, _ in
                progress.add(Int(done - min(last, done)))
                last = done
            }
        }
        progress.end()
        findings.nodes += 1
        findings.wrong += sound.findings.map { "\(name): \($0)" }
        for group in node.machines.groups {
            guard let check = NamespaceCheck(group, of: node.machines, on: node.node, holds: { sound.chunks.contains($0) }) else {
                continue
            }
            add(Row(node: name, group: group, check: check), to: &findings)
        }
    }

    func telling<Result>(_ path: String, _ body: () throws(NodeStartError) -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            throw CommandFailure(Self.operation, path, "\(error)")
        }
    }

    private func add(_ row: Row, to findings: inout Findings) {
        findings.rows.append(row)
        let what = "\(row.node): \(row.group.machine.filesystem?.kind.noun ?? "") \(row.name == "-" ? row.id : "'\(row.name)'")"
        findings.wrong += row.check.faults.map { "\(what): \($0)" }
        for absent in row.check.absent where absent.isLost {
            let paths = absent.paths.isEmpty ? "earlier versions" : absent.paths.joined(separator: ", ")
            findings.wrong.append("\(what): chunk \(absent.chunk.hex) is lost here; it belongs to \(paths)")
        }
        let more = row.check.lost - row.check.absent.count { $0.isLost }
        if more > 0 { findings.wrong.append("\(what): \(more) more chunks are lost here") }
    }

    /// Replicas that have applied the same must hold the same.
    private func compare(_ findings: inout Findings) {
        var seen: [String: Row] = [:]
        for row in findings.rows {
            let key = "\(row.id)/\(row.group.applied)"
            guard let other = seen[key] else {
                seen[key] = row
                continue
            }
            guard other.group.machine.digest != row.group.machine.digest else { continue }
            findings.wrong.append("\(row.id): \(other.node) and \(row.node) differ at entry \(row.group.applied)")
        }
    }

    private func show(_ findings: Findings) {
        var table = Table(
            "Node", "Kind", "Name", "Id", ">Applied", ">Files", ">Directories", ">Versions", ">Chunks", ">Absent", ">Lost", ">Faults")
        for row in findings.rows {
            table.add(
                row.node, row.group.machine.filesystem?.kind.word ?? "-", row.name, row.id, "\(row.group.applied)",
                "\(row.check.statistics.files)", "\(row.check.statistics.directories)", "\(row.check.versions)", "\(row.check.chunks)",
                "\(row.check.absentHere)", "\(row.check.lost)", "\(row.check.faults.count)")
        }
        table.show()
        for text in findings.wrong.prefix(1_000) { Terminal.line(Terminal.escaped(text)) }
        Terminal.line(findings.wrong.isEmpty ? "Sound." : "Damaged.")
    }
}
