import APIClient
import APISchema
import Foundation
import Testing

/// What a command printed and how it ended.
struct CommandResult: Sendable {
    let status: Int32
    let output: String
    let errors: String
}

/// A cluster of real processes on loopback, made by the program itself in a folder of its own, and
/// taken down with it.
final class LocalCluster: @unchecked Sendable {
    /// The program of this build: `ATOLL_BINARY`, or beside the test bundle.
    static let program: String = {
        if let named = ProcessInfo.processInfo.environment["ATOLL_BINARY"] { return named }
        var folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        for _ in 0..<4 {
            let candidate = folder.appendingPathComponent("atoll").path
            if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
            folder.deleteLastPathComponent()
        }
        return "atoll"
    }()

    struct Node: Decodable, Sendable {
        struct Endpoint: Decodable, Sendable {
            let name: String
            let address: String
        }
        let id: UInt64
        let name: String
        let region: String
        let http: String
        let peer: String
        let gossip: String
        let nfs: String
    }
    private struct File: Decodable { let nodes: [Node] }

    let folder: URL
    private(set) var nodes: [Node] = []
    var directory: String { folder.appendingPathComponent("cluster").path }

    init(regions: [String], nodesPerRegion: Int = 1, map: String = "none", options: [String] = []) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("atoll-test-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let up = run(
            [
                "up", "--detach", "--regions", regions.joined(separator: ","), "--nodes-per-region", "\(nodesPerRegion)", "--map", map,
            ] + options)
        guard up.status == 0 else {
            end()
            throw Failure(what: "atoll up: \(up.errors)")
        }
        try reload()
    }

    /// Reads again which nodes there are.
    func reload() throws {
        nodes = try JSONDecoder().decode(File.self, from: Data(contentsOf: URL(fileURLWithPath: directory + "/cluster.json"))).nodes
    }

    struct Failure: Error, CustomStringConvertible {
        let what: String
        var description: String { what }
    }

    /// Takes everything down at once: what is left is of no use to anybody.
    func end() {
        for process in processesLeft() { kill(process, SIGKILL) }
        let deadline = Date().addingTimeInterval(5)
        while !processesLeft().isEmpty, Date() < deadline { Thread.sleep(forTimeInterval: 0.005) }
        try? FileManager.default.removeItem(at: folder)
    }

    /// Runs the program against this cluster.
    @discardableResult
    func run(_ arguments: [String], input: Data? = nil) -> CommandResult {
        Self.run(arguments, environment: ["ATOLL_CLUSTER": directory], input: input, in: folder)
    }

    static func run(
        _ arguments: [String], environment: [String: String] = [:], input: Data? = nil, in folder: URL? = nil, limit: Double = 120
    ) -> CommandResult {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.currentDirectoryURL = folder
        let unique = "\(UInt64.random(in: 0 ... .max))"
        let base = FileManager.default.temporaryDirectory
        let outPath = base.appendingPathComponent("atoll-out-\(unique)")
        let errPath = base.appendingPathComponent("atoll-err-\(unique)")
        let inPath = base.appendingPathComponent("atoll-in-\(unique)")
        defer { for path in [outPath, errPath, inPath] { try? FileManager.default.removeItem(at: path) } }
        for path in [outPath, errPath] { _ = FileManager.default.createFile(atPath: path.path, contents: nil) }
        _ = FileManager.default.createFile(atPath: inPath.path, contents: input ?? Data())
        // Closed by hand: a `Process` that nobody waits for keeps its handles, and one that is started while
        // this process has over a thousand files open may read past the end of its list of them.
        var handles: [FileHandle] = []
        defer { for handle in handles { try? handle.close() } }
        do {
            handles = [
                try FileHandle(forWritingTo: outPath), try FileHandle(forWritingTo: errPath), try FileHandle(forReadingFrom: inPath),
            ]
            process.standardOutput = handles[0]
            process.standardError = handles[1]
            process.standardInput = handles[2]
            try process.run()
        } catch {
            return CommandResult(status: -1, output: "", errors: "\(program) does not start: \(error)")
        }
        func text(_ path: URL) -> String { String(decoding: (try? Data(contentsOf: path)) ?? Data(), as: UTF8.self) }
        // No verb may hang: one that does is ended, and told as such.
        let deadline = Date().addingTimeInterval(limit)
        while process.isRunning, Date() < deadline { Thread.sleep(forTimeInterval: 0.004) }
        if process.isRunning {
            kill(process.processIdentifier, SIGKILL)
            return CommandResult(status: -2, output: text(outPath), errors: "no end within \(limit) s: \(arguments.joined(separator: " "))")
        }
        return CommandResult(status: process.terminationStatus, output: text(outPath), errors: text(errPath))
    }

    var token: String {
        ((try? String(contentsOfFile: directory + "/admin-token", encoding: .utf8)) ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func client(_ node: Node, options: APIClientOptions = APIClientOptions()) -> APIClient {
        APIClient(address: node.http, token: token, options: options)
    }

    /// Looks again until the condition holds; false at the deadline.
    static func eventually(within seconds: Double = 60, _ condition: () async throws -> Bool) async -> Bool {
        let end = Date().addingTimeInterval(seconds)
        while Date() < end {
            if (try? await condition()) == true { return true }
            try? await Task.sleep(for: .milliseconds(50))
        }
        return false
    }

    /// The process numbers of the nodes, from the files that they write.
    func processNumbers() -> [String: Int32] {
        var out: [String: Int32] = [:]
        for line in run(["status", "--json"]).output.components(separatedBy: "\n").joined().matches(
            of: /"name":\s*"([^"]+)"[^{}]*?"pid":\s*(\d+)/)
        {
            out[String(line.1)] = Int32(line.2)
        }
        return out
    }
}
