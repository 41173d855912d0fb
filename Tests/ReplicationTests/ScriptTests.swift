import Foundation
import Primitives
import Replication
import TestSupport
import Testing

/// Runs the scripts; the first word of a file's name says which machine it drives.
@Suite struct ReplicationScripts {
    @Test(arguments: Script.files()) func script(_ file: URL) throws {
        let name = file.lastPathComponent
        var commands = 0
        let differences: [String]
        if name.hasPrefix("catalog") {
            var driver = CatalogDriver()
            differences = try Script.run(file) { command in
                commands += 1
                return try driver.run(command)
            }
        } else if name.hasPrefix("policy") {
            var driver = PolicyDriver()
            differences = try Script.run(file) { command in
                commands += 1
                return try driver.run(command)
            }
        } else if name.hasPrefix("fetch") {
            var driver = FetchDriver()
            differences = try Script.run(file) { command in
                commands += 1
                return try driver.run(command)
            }
        } else {
            throw ScriptError(file: name, line: 1, reason: "no machine for this file")
        }
        #expect(commands > 10, "\(name) drives nothing")
        #expect(differences.isEmpty, Comment(rawValue: differences.joined(separator: "\n")))
    }
}

/// A chunk of a script: one letter or word, and a length.
func chunk(_ name: String, length: UInt32 = 1_000) -> ChunkReference {
    ChunkReference(id: SHA256.hash(Array(name.utf8)), length: length)
}
