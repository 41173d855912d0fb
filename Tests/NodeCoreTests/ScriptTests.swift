import Foundation
import TestSupport
import Testing

/// Every script under `Scripts`: a cluster under virtual time, told what to do.
@Suite struct ClusterScriptTests {
    @Test(arguments: Script.files())
    func script(_ file: URL) throws {
        let driver = ClusterDriver()
        let differences = try Script.run(file, driver.run)
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
        #expect(driver.cluster.faults == [])
    }
}
