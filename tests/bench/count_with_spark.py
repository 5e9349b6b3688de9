"""The script that a user of Spark writes: count the words of a file with so many workers."""

import sys

from pyspark.sql import SparkSession
from pyspark.sql.functions import col, explode, split

path, output, workers = sys.argv[1:]
spark = (
    SparkSession.builder.master(f"local[{workers}]")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.memory", "4g")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
words = spark.read.text(path).select(explode(split(col("value"), r"(?U)\s+")).alias("word"))
words.where(col("word") != "").groupBy("word").count().write.parquet(output)
counts = spark.read.parquet(output)
unique, total = counts.count(), counts.groupBy().sum("count").first()[0]
print(f"{unique} {total}")
spark.stop()
