import Foundation
import TestSupport
import Testing

/// Compounds as text in, replies as text out: every script under `Scripts`.
@Suite struct NFSProtocolScriptTests {
    @Test(arguments: Script.files())
    func script(_ file: URL) throws {
        let driver = ServerDriver()
        let differences = try Script.run(file, driver.run)
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }
}
