import Foundation
import Testing

/// The architecture as a test: who may import whom, and what the pure targets must never touch
/// (docs/internals/architecture.md). It reads the sources, so that it also sees what compiles.
@Suite struct ImportTests {
    /// What each target may import of the project's own; a target that is missing here is a fault.
    static let table: [String: Set<String>] = [
        "Primitives": ["COpenSSL"],
        "Chunks": ["Primitives"],
        "Namespace": ["Primitives"],
        "Consensus": ["Primitives"],
        "Membership": ["Primitives"],
        "Replication": ["Primitives", "Consensus"],
        "Filesystem": ["Primitives", "Namespace"],
        "NodeCore": ["Primitives", "Chunks", "Namespace", "Consensus", "Membership", "Replication", "Filesystem"],
        "NFSProtocol": ["Primitives", "Filesystem"],
        "Workloads": ["Primitives", "Filesystem"],
        "Simulation": ["Primitives", "Namespace", "Consensus", "Membership", "Replication", "Filesystem", "NodeCore", "Workloads"],
        "Storage": ["Primitives", "Chunks", "CSQLite", "CZstd", "COpenSSL"],
        "ReplicaStorage": ["Primitives", "Consensus", "NodeCore", "Storage"],
        "StorageSimulation": ["Primitives", "Chunks", "Consensus", "NodeCore", "ReplicaStorage", "Simulation", "Storage", "CSQLite"],
        "Transport": ["Primitives", "COpenSSL"],
        "Router": ["Primitives", "Transport", "CLinux"],
        "NodeRuntime": [
            "Primitives", "Chunks", "Namespace", "Consensus", "Membership", "Replication", "Filesystem", "NodeCore", "Storage",
            "ReplicaStorage", "Transport",
        ],
        "Reports": ["Primitives", "Workloads"],
        "Comparison": ["Primitives", "Filesystem", "Workloads", "Simulation", "Reports"],
        "APISchema": ["Primitives", "Filesystem", "Replication"],
        "ControlPlane": ["Primitives", "Filesystem", "Replication", "NodeCore", "NodeRuntime", "APISchema"],
        "APIClient": ["Primitives", "Filesystem", "APISchema"],
        "NFSServer": ["Primitives", "Filesystem", "Replication", "NFSProtocol", "NodeRuntime"],
        "FUSEMount": ["Primitives", "Filesystem", "CFuse"],
    ]
    static let pure: Set<String> = [
        "Primitives", "Chunks", "Namespace", "Consensus", "Membership", "Replication", "Filesystem", "NodeCore", "NFSProtocol",
        "Workloads", "Simulation",
    ]
    /// Modules outside the project that a pure target may use: collections, nothing that waits or reads a clock.
    static let pureModules: Set<String> = ["DequeModule", "OrderedCollections", "HeapModule"]
    /// Words that bring in a clock, chance, identity by address, or an order that differs between runs.
    static let banned = [
        "Date()", "UUID()", ".random(", ".shuffled()", "hashValue", "ObjectIdentifier", "SystemRandomNumberGenerator", "ContinuousClock",
        "SuspendingClock", "DispatchQueue", "Task {", "Task.", "await ", "String(format:",
    ]

    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func sources(_ target: String) -> [URL] {
        let folder = root.appendingPathComponent("Sources/\(target)")
        let walk = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        return (walk?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "swift" }.sorted { $0.path < $1.path }
    }

    static func lines(_ file: URL) throws -> [String] {
        try String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n")
    }

    static func imports(_ lines: [String]) -> [String] {
        lines.compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            guard let place = words.firstIndex(of: "import"), place <= 2, words.count > place + 1 else { return nil }
            guard
                words[..<place].allSatisfy({
                    ["package", "internal", "public", "private", "fileprivate", "@preconcurrency"].contains($0) || $0.hasPrefix("@")
                })
            else { return nil }
            return words[place + 1]
        }
    }

    @Test(arguments: table.keys.sorted())
    func importsOnlyGoDown(target: String) throws {
        let own = Set(Self.table.keys)
        for file in Self.sources(target) {
            for module in Self.imports(try Self.lines(file)) where own.contains(module) {
                #expect(Self.table[target]!.contains(module), "\(file.lastPathComponent) of \(target) imports \(module)")
            }
        }
    }

    @Test(arguments: pure.sorted())
    func pureTargetsStayPure(target: String) throws {
        let allowed = Self.table[target]!.union(Self.pureModules)
        for file in Self.sources(target) {
            let lines = try Self.lines(file)
            for module in Self.imports(lines) {
                #expect(allowed.contains(module), "\(file.lastPathComponent) of \(target) imports \(module)")
            }
            for (number, line) in lines.enumerated() {
                let code = line.components(separatedBy: "//")[0]
                for word in Self.banned where code.contains(word) {
                    Issue.record("\(target)/\(file.lastPathComponent):\(number + 1) uses \(word)")
                }
            }
        }
    }

    /// A table that says nothing of a target would let it import anything.
    @Test func everyTargetIsInTheTable() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.root.appendingPathComponent("Sources").path)
        for name in folders where !["atoll", "COpenSSL", "CSQLite", "CZstd", "CLinux", "CFuse", "PythonSDK"].contains(name) {
            #expect(Self.table[name] != nil, "Sources/\(name) is in no row of the table of imports")
        }
    }

    @Test func filesStaySmall() throws {
        let walk = FileManager.default.enumerator(at: Self.root.appendingPathComponent("Sources"), includingPropertiesForKeys: nil)
        for case let file as URL in walk! where file.pathExtension == "swift" {
            // The maps and workloads that the program carries, written from the files under `simulations`.
            if file.lastPathComponent == "BuiltinFiles.swift" { continue }
            let count = try Self.lines(file).count
            #expect(count <= 420, "\(file.lastPathComponent) has \(count) lines; split it by topic")
        }
    }
}
