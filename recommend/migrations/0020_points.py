from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("recommend", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="modelversion",
            name="points",
            field=models.CharField(
                choices=[("none", "None"), ("filling", "Filling"), ("level", "Level"), ("behind", "Behind")],
                default="none",
                help_text="Its item vectors",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="modelversion",
            name="trained_until",
            field=models.DateTimeField(blank=True, help_text="Time of the newest event that it learned", null=True),
        ),
        migrations.AddField(
            model_name="modelversion",
            name="measured_until",
            field=models.DateTimeField(blank=True, help_text="The same, of the state that was measured", null=True),
        ),
        migrations.AlterField(
            model_name="trainingrun",
            name="kind",
            field=models.CharField(default="full", help_text="full, incremental, or publish", max_length=12),
        ),
    ]
