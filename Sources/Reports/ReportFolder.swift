internal import Foundation

/// Writes a report's three files into a folder (`atoll-report/` by default), each whole or not at all.
package struct ReportFolder: Sendable {
    package static let defaultPath = "atoll-report"
    package let path: String

    package init(path: String = ReportFolder.defaultPath) { self.path = path }

    package struct WriteError: Error, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// The paths written: `report.html`, `report.md`, `report.json`.
    package func write(_ report: ComparisonReport) throws -> [String] {
        let folder = URL(fileURLWithPath: path, isDirectory: true)
        let contents: [(name: String, data: Data)] = [
            ("report.html", Data(HTMLReport(report).text().utf8)),
            ("report.md", Data(MarkdownReport(report).text().utf8)),
            ("report.json", try report.json()),
        ]
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw WriteError(description: "report \(path): the folder cannot be made: \(error.localizedDescription); name another one")
        }
        return try contents.map { name, data in
            let url = folder.appendingPathComponent(name)
            do {
                try data.write(to: url, options: .atomic)
            } catch {
                throw WriteError(description: "report \(url.path): cannot be written: \(error.localizedDescription)")
            }
            return "\(path)/\(name)"
        }
    }
}
