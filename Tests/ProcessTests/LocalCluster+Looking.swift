import APIClient
import APISchema
import Filesystem
import Foundation
import NIOCore
import Primitives
import Testing

/// All process tests: one at a time, because each wants the machine's processors and measures time.
/// The suites are extensions of this one.
@Suite(.serialized) enum Processes {}

extension LocalCluster {
    func node(in region: String) -> Node { nodes.first { $0.region == region }! }

    /// A client that gives up soon, so that a test of something that must fail is short.
    func hasty(_ node: Node, within seconds: Int64 = 3) -> APIClient {
        client(node, options: APIClientOptions(timeout: .seconds(seconds), connectTimeout: .seconds(1), retryFor: .zero))
    }

    /// The groups of each node that answers, by the node's name.
    func groups() async -> [String: [GroupReport]] {
        var out: [String: [GroupReport]] = [:]
        for node in nodes {
            let client = hasty(node, within: 2)
            if let report = try? await client.status() { out[node.name] = report.groups }
            await client.shutdown()
        }
        return out
    }

    /// Waits until all `names` (all nodes, if none are given) answer, each group is as far on each of
    /// its members, and all digests of a group are equal. Returns what differs, empty when nothing does.
    func digestsDiffer(among names: [String] = [], within seconds: Double = 60) async -> String {
        var problem = "nobody was asked"
        let wanted = names.isEmpty ? nodes.map(\.name) : names
        let agree = await Self.eventually(within: seconds) {
            let seen = await groups()
            problem = Self.difference(seen, wanted)
            return problem.isEmpty
        }
        return agree ? "" : problem
    }

    private static func difference(_ seen: [String: [GroupReport]], _ wanted: [String]) -> String {
        for name in wanted where seen[name] == nil { return "\(name) does not answer" }
        var members: [UInt64: [(name: String, report: GroupReport)]] = [:]
        for name in wanted { for report in seen[name]! { members[report.id.rawValue, default: []].append((name, report)) } }
        for (group, views) in members.sorted(by: { $0.key < $1.key }) {
            let states = Set(views.map { "\($0.report.appliedIndex)/\($0.report.digest?.hex.prefix(8) ?? "-")" })
            let hosts = views.first!.report.voters.count + views.first!.report.learners.count
            if states.count > 1 || views.count < min(hosts, wanted.count) {
                return
                    "group \(group) is \(views.map { "\($0.report.appliedIndex)/\($0.report.digest?.hex.prefix(8) ?? "-") on \($0.name)" })"
            }
        }
        return members.isEmpty ? "there are no groups" : ""
    }

    /// How this node sees each other one: `alive`, `suspect`, `dead`, `left`.
    func view(of node: Node) async -> [UInt64: String] {
        let client = hasty(node, within: 2)
        let members = (try? await client.members()) ?? []
        await client.shutdown()
        return Dictionary(members.map { ($0.id.rawValue, $0.status) }) { $1 }
    }

    /// The node that leads the group of this file system, as any node knows it.
    func leader(of filesystem: FilesystemID) async -> Node? {
        for reports in await groups().values {
            if let leader = reports.first(where: { $0.filesystem == filesystem && $0.role == "leader" })?.leader {
                return nodes.first { $0.id == leader.rawValue }
            }
        }
        return nil
    }

    /// The fields of a command's JSON.
    static func json(_ result: CommandResult) -> [String: Any] {
        ((try? JSONSerialization.jsonObject(with: Data(result.output.utf8))) as? [String: Any]) ?? [:]
    }

    /// All that `ls` and `get` show of a file system, to be compared with itself: every verb that is asked for it must answer.
    func tree(_ kind: String, _ name: String, _ path: String = "/", sourceLocation: SourceLocation = #_sourceLocation) -> [String] {
        let list = run([kind, "ls", name, path, "--json"])
        #expect(list.status == 0, "\(kind) ls \(name) \(path): \(list.errors)", sourceLocation: sourceLocation)
        return ((Self.json(list)["entries"] as? [[String: Any]]) ?? []).flatMap { entry in
            let path = entry["filename"] as? String ?? ""
            let row = ["type", "modified", "size", "permissions"].map { "\(entry[$0] ?? "-")" }.joined(separator: " ")
            guard entry["type"] as? String != "dir" else { return ["\(path): \(row)"] + tree(kind, name, "/" + path) }
            let content = run([kind, "get", name, "/" + path, "-"])
            #expect(content.status == 0, "\(kind) get \(name) \(path): \(content.errors)", sourceLocation: sourceLocation)
            return ["\(path): \(row)\n\(content.output)"]
        }
    }

    /// What lists show, and all trees of these file systems, each an `nfs` or a `volume` and its name.
    func state(_ filesystems: [(kind: String, name: String)], sourceLocation: SourceLocation = #_sourceLocation) -> [String] {
        var verbs = [["nfs", "list"], ["volume", "list"], ["app", "list"], ["environment", "list"]]
        for (kind, name) in filesystems where kind == "volume" { verbs += [["volume", "history", name], ["volume", "conflicts", name]] }
        let lists = verbs.map { verb in
            let result = run(verb)
            #expect(result.status == 0, "\(verb.joined(separator: " ")): \(result.errors)", sourceLocation: sourceLocation)
            return result.output
        }
        let trees = filesystems.flatMap { tree($0.kind, $0.name, sourceLocation: sourceLocation) }
        #expect(trees.count >= filesystems.count, "there is nothing in them that could have changed", sourceLocation: sourceLocation)
        return lists + trees + processNumbers().sorted { $0.key < $1.key }.map { "\($0.key) is \($0.value)" }
    }

    func write(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
        let path = folder.appendingPathComponent(name).path
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return path
    }

    func write(_ name: String, _ text: String) throws -> String { try write(name, Array(text.utf8)) }

    /// Bytes that no compression makes smaller, the same for the same seed.
    static func noise(_ count: Int, seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        var out: [UInt8] = []
        out.reserveCapacity(count + 8)
        while out.count < count { withUnsafeBytes(of: generator.next()) { out.append(contentsOf: $0) } }
        return Array(out.prefix(count))
    }

    /// What a file holds, asked at this node; nil where it can not be had.
    static func content(_ client: APIClient, _ filesystem: FilesystemID, _ path: String) async -> [UInt8]? {
        (try? await client.bytes(filesystem, FilePath(path)!)).map { Array($0.readableBytesView) }
    }

    /// Whether a file, asked at this node, holds just these bytes; nil for: it can not be had. An answer
    /// that is printed in a line, unlike the bytes.
    static func holds(_ client: APIClient, _ filesystem: FilesystemID, _ path: String, _ bytes: [UInt8]?) async -> Bool {
        await content(client, filesystem, path) == bytes
    }

    static func put(_ client: APIClient, _ filesystem: FilesystemID, _ path: String, _ bytes: [UInt8], force: Bool = false)
        async throws(FileFailure)
        -> StoredReport
    {
        try await client.put(filesystem, FilePath(path)!, ByteBuffer(bytes: bytes), options: PutOptions(force: force))
    }

    /// The processes of this program that work in this cluster's directory, whoever started them.
    func processesLeft() -> [Int32] { Self.processes(mentioning: directory) }

    static func processes(mentioning text: String) -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap(Int32.init).filter { number in
            guard let data = FileManager.default.contents(atPath: "/proc/\(number)/cmdline"), !data.isEmpty else { return false }
            return String(decoding: data, as: UTF8.self).contains(text)
        }
    }

    /// Processor time that a process has used, in seconds (fields 14 and 15 of `/proc/PID/stat`).
    static func processorSeconds(_ process: Int32) -> Double {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8), let end = text.lastIndex(of: ")") else {
            return 0
        }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return 0 }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}

/// A figure that a test measured, on a line that is easy to find.
func measured(_ what: String, _ value: Double, _ unit: String) { print("measured: \(what): \(String(format: "%.2f", value)) \(unit)") }

/// Seconds that something took.
func seconds<Result>(_ body: () async throws -> Result) async rethrows -> (Result, Double) {
    let start = ContinuousClock.now
    let result = try await body()
    let took = ContinuousClock.now - start
    return (result, Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18)
}
