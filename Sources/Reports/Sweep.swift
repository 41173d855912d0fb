internal import Foundation

/// What became of one pass of each workload while one thing was changed, step by step.
package struct Sweep: Codable, Sendable, Equatable {
    package struct Point: Codable, Sendable, Equatable {
        /// As it was given: `us-east-1`, `5`, `0.5`, `1.00 MiB`.
        package var label: String
        /// Null where points have no order but the given one (home regions).
        package var value: Double?
        package init(label: String, value: Double?) {
            self.label = label
            self.value = value
        }
    }

    /// Times over the points, of one workload: the mean of its cold passes over all regions of clients.
    package struct Curve: Codable, Sendable, Equatable {
        package var workload: String
        package var nfsMs: [Double?]
        package var volumeMs: [Double?]
        package init(workload: String, nfsMs: [Double?], volumeMs: [Double?]) {
            self.workload = workload
            self.nfsMs = nfsMs
            self.volumeMs = volumeMs
        }
    }

    /// Between two points the other kind becomes the faster one.
    package struct Flip: Codable, Sendable, Equatable {
        package var workload: String
        package var after: String
        package var before: String
        /// Where both take as long, on a straight line between the points' logarithms; null where points have no value.
        package var at: Double?
        /// The faster kind behind it.
        package var faster: String
    }

    /// `home`, `regions`, `rtt` or `file-size`.
    package var parameter: String
    /// What a point's value means, in words.
    package var meaning: String
    package var points: [Point]
    package var curves: [Curve]
    package var flips: [Flip]

    package init(parameter: String, meaning: String, points: [Point], reports: [ComparisonReport]) {
        self.parameter = parameter
        self.meaning = meaning
        self.points = Array(points.prefix(reports.count))
        var names: [String] = []
        for name in reports.flatMap({ $0.workloads.map(\.name) }) where !names.contains(name) { names.append(name) }
        curves = names.map { name in
            func mean(_ report: ComparisonReport, _ time: (Verdict.Pass) -> Double) -> Double? {
                let passes = report.verdict.passes.filter { $0.workload == name && $0.cache == "cold" }
                return passes.isEmpty ? nil : Figure.rounded(passes.reduce(0) { $0 + time($1) } / Double(passes.count), 3)
            }
            return Curve(workload: name, nfsMs: reports.map { mean($0, \.nfsMs) }, volumeMs: reports.map { mean($0, \.volumeMs) })
        }
        flips = []
        flips = curves.flatMap(flips)
    }

    private func flips(_ curve: Curve) -> [Flip] {
        var out: [Flip] = []
        for index in points.indices.dropFirst() {
            guard let a = curve.ratio(index - 1), let b = curve.ratio(index), a != 0, a < 0 && b >= 0 || a > 0 && b <= 0 else { continue }
            var place: Double?
            if let low = points[index - 1].value, let high = points[index].value, low > 0, high > 0 {
                place = Figure.rounded(exp(log(low) + (log(high) - log(low)) * a / (a - b)), 3)
            }
            out.append(
                Flip(
                    workload: curve.workload, after: points[index - 1].label, before: points[index].label, at: place,
                    faster: b > 0 || a < 0 ? "volume" : "nfs"))
        }
        return out
    }

    private func words(_ value: Double) -> String {
        parameter == "file-size" ? Figure.bytes(UInt64(max(0, min(value, 1e15)))) : "\(Figure.rounded(value, value < 10 ? 2 : 0))"
    }

    /// One sentence for each workload.
    package var sentences: [String] {
        curves.map { curve in
            let found = flips.filter { $0.workload == curve.workload }
            guard found.isEmpty else {
                let parts = found.map { flip in
                    "the \(flip.faster == "nfs" ? "network file system" : "volume") becomes the faster one between \(flip.after) and "
                        + flip.before + (flip.at.map { " (at about \(words($0)))" } ?? "")
                }
                return "\(curve.workload): \(parts.joined(separator: "; "))."
            }
            let ratios = points.indices.compactMap(curve.ratio)
            guard let first = ratios.first else { return "\(curve.workload): not measured on both kinds." }
            return "\(curve.workload): the \(first > 0 ? "volume" : "network file system") is the faster one at every point."
        }
    }
}

extension Sweep.Curve {
    /// Logarithm of network file system ÷ volume: above 0 the volume is faster.
    func ratio(_ index: Int) -> Double? {
        guard index < nfsMs.count, index < volumeMs.count, let nfs = nfsMs[index], let volume = volumeMs[index], nfs > 0, volume > 0 else {
            return nil
        }
        return log(nfs / volume)
    }
}
