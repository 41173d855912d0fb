import Foundation
import TestSupport
import Testing

@Suite struct NamespaceScriptTests {
    @Test(arguments: Script.files()) func script(_ file: URL) throws {
        let interpreter = Interpreter()
        let differences = try Script.run(file) { command in try interpreter.run(command) }
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }

    @Test func thereAreScripts() { #expect(Script.files().count >= 8) }
}
