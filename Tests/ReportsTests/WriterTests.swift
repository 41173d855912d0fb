import Foundation
import Reports
import Testing

@Suite struct WriterTests {
    /// The keys that the contract names (§5), and that the file is read back as it was.
    @Test func jsonHasTheKeysOfTheContract() throws {
        let report = ReportFixture.usual
        let data = try report.json()
        let root = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(Set(["schema", "software", "map", "durability", "seeds", "results", "verdict"]).isSubset(of: Set(root.keys)))
        let row = try #require((root["results"] as? [[String: Any]])?.first)
        let keys = [
            "workload", "kind", "region", "operation", "cache", "world", "samples", "p50_ms", "p90_ms", "p99_ms", "mib_per_s",
            "operations_per_s", "wan_round_trips", "wan_bytes", "cost_usd", "errors", "unavailable_ms", "repetitions", "spread",
        ]
        #expect(Set(keys).isSubset(of: Set(row.keys)))
        #expect(row["kind"] as? String == "nfs" && row["p50_ms"] as? Double == 2)
        #expect((row["spread"] as? [String: Any])?["p50_min_ms"] as? Double == 1.9)
        #expect(try ComparisonReport(json: data) == report)
        // What is not known is null, and not left out.
        var bare = report
        (bare.results[0].mibPerS, bare.results[0].p99Ms, bare.results[0].spread.madMs) = (nil, nil, nil)
        let known = try #require(try JSONSerialization.jsonObject(with: bare.json()) as? [String: Any])
        let first = try #require((known["results"] as? [[String: Any]])?.first)
        #expect(first["mib_per_s"] is NSNull && first["p99_ms"] is NSNull && (first["spread"] as? [String: Any])?["mad_ms"] is NSNull)
        #expect(try ComparisonReport(json: bare.json()) == bare)
        let newer = Data(String(decoding: data, as: UTF8.self).replacingOccurrences(of: "\"schema\" : 1", with: "\"schema\" : 2").utf8)
        #expect(throws: ComparisonReport.UnknownSchema.self) { try ComparisonReport(json: newer) }
    }

    @Test func terminalFitsAndIsAligned() {
        let text = TerminalReport(ReportFixture.usual).text()
        let lines = text.components(separatedBy: "\n")
        #expect(lines.allSatisfy { $0.count <= TerminalReport.width })
        let table = lines.filter { $0.contains(" cold ") && $0.contains("  cold") }
        #expect(table.count == 5)
        #expect(Set(table.map(\.count)).count <= 2)  // only what ends empty is shorter
        #expect(text.contains("Verdict") && text.contains("us-east-1 (primary)"))
    }

    @Test func htmlIsOnePageThatNeedsNothing() {
        let page = HTMLReport(ReportFixture.usual).text()
        for outside in ["<script", "<link", "src=", "http:", "https:", "url(", "@import"] { #expect(!page.contains(outside), "\(outside)") }
        #expect(page.contains("prefers-color-scheme: dark") && page.contains("max-width: 760px"))
        #expect(page.contains("A &lt;title&gt;") && !page.contains("<title>\"") && page.contains("--workload &quot;w&quot;"))
        #expect(page.contains("volume 15×") && page.contains("NFS 3.5×"))
        #expect(!page.contains("NaN") && !page.contains("inf%"))
        #expect(Self.unbalanced(page) == [])
    }

    /// Tags that are opened and not closed, or closed and not open.
    static func unbalanced(_ page: String) -> [String] {
        let single: Set<String> = ["meta", "br", "line", "circle", "path", "polyline", "!doctype"]
        var open: [String] = []
        var wrong: [String] = []
        for piece in page.components(separatedBy: "<").dropFirst() {
            let name = String(piece.prefix { $0.isLetter || $0.isNumber || $0 == "/" || $0 == "!" })
            let tag = piece.prefix { $0 != ">" }
            if name.hasPrefix("/") {
                if open.last == String(name.dropFirst()) { open.removeLast() } else { wrong.append(name) }
            } else if !single.contains(name.lowercased()), !tag.hasSuffix("/") {
                open.append(name)
            }
        }
        return wrong + open
    }

    @Test func markdownHasEveryRow() {
        let text = MarkdownReport(ReportFixture.usual).text()
        #expect(text.components(separatedBy: "\n").filter { $0.hasPrefix("| publish |") }.count == 6)
        #expect(text.contains("10.0 ms + 7 × R") && text.contains("volume above 11.7 ms"))
    }

    /// A region was cut off: the network file system was away there, and one file is missing.
    static var faults: FaultsSection {
        func client(_ kind: String, _ region: String, _ operation: String, _ outages: [FaultsSection.Outage] = []) -> FaultsSection.Client {
            .init(
                kind: kind, region: region, operation: operation, attempts: 50, succeeded: 40, succeededMeanwhile: 9, acknowledged: 5,
                outages: outages, hasEnded: true)
        }
        var section = FaultsSection()
        let away = FaultsSection.Outage(fromS: 1.6, toS: 13.1, cause: "open <x>: no way to the primary region")
        let clients = ["nfs", "volume"].flatMap { kind in
            ReportFixture.regions.flatMap { region in
                ["read", "write"].map { client(kind, region, $0, kind == "nfs" && region == "eu-west-1" ? [away] : []) }
            }
        }
        section.records = [
            .init(
                fault: "partition", region: "eu-west-1", world: "live", brokenS: 1.5, mendingS: 11.5, mendedS: 11.6, endedS: 16,
                clients: clients)
        ]
        section.proofs = [
            .init(kind: "nfs", world: "live", acknowledged: 20, found: 19, readIn: ["us-east-1"], missing: ["faults/7 in us-east-1: gone"]),
            .init(kind: "volume", world: "live", acknowledged: 30, found: 30, readIn: ReportFixture.regions, missing: []),
        ]
        return section
    }

    @Test func faultsAreToldInWordsAndStrips() throws {
        var report = ReportFixture.usual
        report.faults = Self.faults
        let words = try #require(report.faults?.sentences)
        #expect(
            words[0]
                == "Region eu-west-1 cut off from all others for 10.0 s. Network file system: reads failed in eu-west-1 for 11.5 s, and "
                + "went on in us-east-1 and ap-northeast-1; writes failed in eu-west-1 for 11.5 s, and went on in us-east-1 and "
                + "ap-northeast-1. Volume: reads went on everywhere; writes went on everywhere. Last client back after mending began: "
                + "network file system 1.60 s.")
        #expect(words[1].contains("OF 20 FILES ACKNOWLEDGED UNDER FAULTS 1 WERE NOT READ AGAIN in us-east-1: faults/7 in us-east-1: gone"))
        #expect(words[2].hasPrefix("Volume: 30 files were acknowledged under faults, and all of them were read again in each of"))
        let page = HTMLReport(report).text()
        #expect(page.contains("id=\"faults\"") && page.contains("open &lt;x&gt;") && page.contains("NFS reads"))
        #expect(Self.unbalanced(page) == [])
        #expect(MarkdownReport(report).text().contains("| eu-west-1 (cut off) | 11.5 s | 11.5 s | went on | went on |"))
        let text = TerminalReport(report).text()
        #expect(text.contains("Under faults") && text.components(separatedBy: "\n").allSatisfy { $0.count <= TerminalReport.width })
        #expect(try ComparisonReport(json: report.json()) == report)
        // What was not done is said.
        report.faults = FaultsSection()
        report.faults?.leftOut = "with one region there is nothing to cut off"
        #expect(HTMLReport(report).text().contains("Faults were left out: with one region"))
    }

    @Test func reportsWithoutResultsAreWritten() throws {
        let empty = ReportFixture.report([], mix: [("stat", 1)])
        #expect(Self.unbalanced(HTMLReport(empty).text()) == [])
        #expect(!MarkdownReport(empty).text().isEmpty && !TerminalReport(empty).text().isEmpty)
        #expect(try ComparisonReport(json: empty.json()) == empty)
    }

    @Test func folderIsMadeAndErrorsNameThePath() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("atoll-report-\(UUID().uuidString)/deep").path
        defer { try? FileManager.default.removeItem(atPath: (path as NSString).deletingLastPathComponent) }
        let written = try ReportFolder(path: path).write(ReportFixture.usual)
        #expect(written.map { ($0 as NSString).lastPathComponent } == ["report.html", "report.md", "report.json"])
        #expect(written.allSatisfy { FileManager.default.fileExists(atPath: $0) })
        let error = #expect(throws: ReportFolder.WriteError.self) { try ReportFolder(path: "/proc/nowhere").write(ReportFixture.usual) }
        #expect(error?.description.contains("/proc/nowhere") == true)
    }

    @Test func figures() {
        #expect(
            [0.0341, 0.31, 4.271, 70.13, 146, 1_204.4].map { Figure.milliseconds($0) } == ["0.034", "0.31", "4.27", "70.1", "146", "1,204"])
        #expect([0.042, 0.5, 1.44, 12.3, 1_234].map(Figure.factor) == ["0.042", "0.50", "1.4", "12", "1,234"])
        #expect([1.0, 1.98, 2.5, 17.4, 1_000].map(Figure.count) == ["1", "2", "2.5", "17", "1,000"])
        #expect([0, 1_023, 1_536, 300 << 20].map { Figure.bytes(UInt64($0)) } == ["0 B", "1,023 B", "1.50 KiB", "300 MiB"])
        #expect([0, 0.00001, 0.0042, 0.12, 3].map(Figure.dollars) == ["$0", "<$0.0001", "$0.0042", "$0.120", "$3.00"])
        #expect(Figure.joined(["a", "b", "c"]) == "a, b and c" && Figure.percent(-0.0004) == "0.0 %")
    }

    @Test func logScaleHoldsItsValues() {
        let scale = LogScale(holding: [0.22, 147, 1_029])
        #expect(scale.low == 0.1 && scale.high == 3_000)
        #expect(scale.ticks == [0.1, 1, 10, 100, 1_000])
        #expect(scale.position(0.1) == 0 && scale.position(3_000) == 1 && scale.position(0) == 0)
        #expect(abs(scale.position(10) - 0.4469) < 0.001)
        #expect(LogScale(holding: []).low > 0)
    }
}
